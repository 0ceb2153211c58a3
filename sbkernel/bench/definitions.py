"""The rows `definitions`: verbs on 1,000, 10,000 and 100,000 nodes compared with raw SQLite, and how times grow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.bench import manynodes
from sbkernel.bench.clock import Spells, interleaved
from sbkernel.bench.peers import rawsqlite
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import Workspace
from sbkernel.jobs.run import run
from sbkernel.site import Site

SIZES = (1_000, 10_000, 100_000)
RUNS = 3
GROWTH = Goal(1.5, "near linear")
COMPILED: Mapping[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None}
"""Both sides compiled, as when they are installed."""
_FLOOR = "raw sqlite3, same rows: no checks, groups or journal"
_USERS = "xCAT users report 46 s for lsdef of 5,000 nodes"


@dataclass(frozen=True)
class _Field:
    """A directory for one number of nodes: the input, the sites, and the databases of the other side."""

    where: Path
    count: int

    def sb(self, site: str, *words: str, stdin: bytes | None = None) -> str:
        """Run a verb. Its output goes to a file, because a pipe would take half of the time."""
        return self._run([sys.executable, "-m", "sbkernel.cli", "--site", str(self.where / site), *words], stdin)

    def floor(self, database: str, *words: str) -> str:
        """Do the same with raw SQLite."""
        return self._run([sys.executable, rawsqlite.__file__, str(self.where / database), *words], None)

    def _run(self, words: Sequence[str], stdin: bytes | None) -> str:
        out = self.where / "out"
        with out.open("wb") as stream:
            run(words, env=COMPILED, input=stdin, stdout=stream)
        return out.read_text()


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Measure each verb at each size, then how its processor time grows, which a busy machine affects least."""
    times: dict[str, dict[int, tuple[float, ...]]] = {}
    for count in SIZES:
        work.say(f"definitions of {count} nodes")
        for verb, spells, row in _of_size(_Field(work.fresh(f"nodes{count}"), count), work.runs_or(RUNS)):
            times.setdefault(verb, {})[count] = tuple(spent.cpu_s for spent in spells.ours)
            yield row
    for verb, by_count in times.items():
        yield from _growth(verb, by_count)


def _of_size(field: _Field, runs: int) -> Iterator[tuple[str, Spells, BenchRow]]:
    yield "mkdef", *_mkdef(field, runs)
    middle = f"n{field.count // 2:06d}"
    everything = manynodes.whole_range(field.count)
    listings = (
        ("lsdef of one", ["lsdef", middle], ["get", middle], _without_scripts),
        ("lsdef", ["lsdef"], ["names"], lambda text: text.replace("  (node)", "")),
        ("lsdef -l", ["lsdef", "-l"], ["all"], _without_scripts),
        ("noderange", ["nodels", everything], ["names"], str),
    )
    for name, ours, peer, same in listings:
        yield name, *_listing(field, runs, name, (ours, peer), same)


def _mkdef(field: _Field, runs: int) -> tuple[Spells, BenchRow]:
    text, lines = manynodes.stanza_text(field.count).encode(), field.where / "rows"
    lines.write_text(manynodes.row_lines(field.count))
    sites = iter([f"site{number}" for number in range(runs)])
    databases = iter([f"floor{number}" for number in range(runs)])
    for number in range(runs):
        field.sb(f"site{number}", "lsdef")
    spells = interleaved(
        lambda: field.sb(next(sites), "mkdef", "-z", stdin=text),
        lambda: field.floor(next(databases), "make", str(lines)),
        runs,
    )
    with Site.open(field.where / "site0") as site:
        stored = site.store.objects("node")
    wanted = {one.name: one.values for one in manynodes.nodes(field.count)}
    check = Check("the same nodes are stored", ok=stored == wanted, found=f"{len(stored)} nodes")
    return spells, _row(field, "mkdef", "sb mkdef -z, a stanza file", spells, check)


def _listing(
    field: _Field, runs: int, name: str, words: tuple[list[str], list[str]], same: Callable[[str], str]
) -> tuple[Spells, BenchRow]:
    ours, peer = words
    listed, found = same(field.sb("site0", *ours)), field.floor("floor0", *peer)
    spells = interleaved(lambda: field.sb("site0", *ours), lambda: field.floor("floor0", *peer), runs)
    check = Check("the same is printed", ok=listed == found, found=f"{listed.count(chr(10))} lines")
    return spells, _row(field, name, f"sb {' '.join(ours)}", spells, check)


def _without_scripts(text: str) -> str:
    """Remove the scripts that all nodes run: they are stored once and not with the nodes."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("    post"))


def _row(field: _Field, name: str, ours: str, spells: Spells, check: Check) -> BenchRow:
    notes = (spells.note, _USERS) if name == "lsdef" else (spells.note,)
    return BenchRow(f"{name} {field.count:,}", ours, _FLOOR, spells.ours_s, spells.peer_s, (check,), notes=notes)


def _growth(verb: str, by_count: Mapping[int, tuple[float, ...]]) -> Iterator[BenchRow]:
    small, large = SIZES[-2], SIZES[-1]
    linear = tuple(seconds * large / small for seconds in by_count[small])
    measured = bool(by_count[small] and by_count[large])
    check = Check("both sizes were measured", ok=measured, found=f"{small:,} and {large:,}")
    what = f"{large // small} times the time for {small:,}"
    yield BenchRow(
        f"growth {verb}", f"sb {verb} of {large:,}, processor time", what, by_count[large], linear, (check,), GROWTH
    )
