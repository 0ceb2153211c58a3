"""The rows `power`: the state of 1,000 and 4,000 simulated BMCs, by us and by FreeIPMI's ipmipower in turn.

The simulator is a process of its own, outside of the service. BMCs answer within 10 ms; the weather changes by row.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sbkernel.bench import powerfloor
from sbkernel.bench.clock import Spells, interleaved
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import Workspace
from sbkernel.errors import ServiceError
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.run import run
from sbkernel.jobs.spawn import Process, end, spawn
from sbkernel.nodes.ipmi.bmc import DEADLINE_S
from sbkernel.nodes.ipmi.logins import BmcLogin, login
from sbkernel.nodes.practice.state import GROUP, state
from sbkernel.nodes.practice.traits import Traits
from sbkernel.nodes.simulate import simulate
from sbkernel.service.client import Service
from sbkernel.site import Site

COUNTS = (1000, 4000)
PEER = "ipmipower -F 1024 --stat"
RUNS, SLOW_RUNS = 5, 2
INSIDE_WARM = "inside, warm"
"""The row that comes next to what the simulator needs for itself."""
_COPIED = ("bmc", "bmcusername", "bmcpassword", "mgt")
_START_S = 60.0
_LATE_S = 1.0
"""How much longer than the deadline of one BMC a sweep may take in which many are dead."""


@dataclass(frozen=True)
class Sweep:
    """What one sweep over all BMCs found."""

    alive: int
    silent: int

    def __str__(self) -> str:
        return f"{self.alive} answered, {self.silent} did not"


class Sweeps:
    """Both sides of a comparison on the same BMCs; each remembers what its last sweep found."""

    def __init__(self, work: Workspace, settings: Path, logins: Sequence[BmcLogin]) -> None:
        self.ours = self.peers = Sweep(0, 0)
        self.logins = logins
        hosts = ",".join(login.address for login in logins)
        self._work = work
        self._service = Service(work.site)
        self._peer = ["ipmipower", "-F", "1024", "-D", "LAN_2_0", "-I", "17", "-h", hosts]
        self._peer += [f"--config-file={settings}", "--stat"]

    def command(self) -> None:
        """Ask by `sb rpower`; it starts the service if none runs."""
        self.ours = _swept(self._work.sb("rpower", GROUP, "stat"))

    def inside(self) -> None:
        """Ask the running service without a command line."""
        answers = list(self._service.call("rpower", noderange=GROUP, action="stat"))
        alive = sum(answer["ok"] for answer in answers)
        self.ours = Sweep(alive, len(answers) - alive)

    def peer(self) -> None:
        """Ask by ipmipower."""
        self.peers = _swept(self._peer)

    def stop(self) -> None:
        """End the service, and with it all sessions."""
        self._service.stop()

    def restart(self) -> None:
        """Start the service anew, without a session."""
        self._service.stop()
        self._service.ensure()

    def check(self, *, lossy: bool = False) -> Check:
        """Tell whether both found the same; where packets are lost, whether we found no fewer."""
        ok = self.ours.alive >= self.peers.alive if lossy else self.ours == self.peers
        what = "no fewer BMCs answer us" if lossy else "the same BMCs answer"
        return Check(what, ok=ok, found=f"{self.ours}; {self.peers}")


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare sweeps over many BMCs."""
    for count in COUNTS:
        yield from rows_of(work, count)


def rows_of(work: Workspace, count: int) -> Iterator[BenchRow]:
    """Compare sweeps over so many BMCs: by the command and inside the service, cold and warm; in bad weather."""
    title, runs, slow = f"power {count:,}", work.runs_or(RUNS), work.runs_or(SLOW_RUNS)
    with _bmcs(work, count, {}, Traits()) as sweeps:
        kinds: tuple[tuple[str, str, Callable[[], None], Callable[[], None] | None, Goal], ...] = (
            ("command, cold", "sb rpower, service started", sweeps.command, sweeps.stop, Goal(1.0)),
            ("command, warm", "sb rpower", sweeps.command, None, Goal(1 / 1.5, "1.5 times as fast")),
            ("inside, cold", "the service, no sessions", sweeps.inside, sweeps.restart, Goal(1 / 1.3, "1.3 times")),
            (INSIDE_WARM, "the service", sweeps.inside, None, Goal(1 / 5, "5 times as fast")),
        )
        for name, ours, act, before, goal in kinds:
            work.say(f"{title}: {name}")
            spells = interleaved(act, sweeps.peer, runs, before=before)
            row = _row(f"{title}, {name}", ours, spells, (sweeps.check(),), goal)
            yield _over_floor(row, goal, sweeps.logins) if name == INSIDE_WARM else row
    with _bmcs(work, count, {}, Traits(loss=0.01)) as sweeps:
        work.say(f"{title}: 1 % loss")
        spells = interleaved(sweeps.inside, sweeps.peer, runs, before=sweeps.restart)
        yield _row(f"{title}, 1 % loss", "the service, no sessions", spells, (sweeps.check(lossy=True),), Goal(1.0))
    with _bmcs(work, count, {"dead": 0.5}, Traits()) as sweeps:
        work.say(f"{title}: half dead")
        spells = interleaved(sweeps.inside, sweeps.peer, slow, before=sweeps.restart)
        longest_s = max(spells.ours_s)
        soon = Check(
            f"within the deadline of {DEADLINE_S:g} s and {_LATE_S:g} s",
            ok=longest_s <= DEADLINE_S + _LATE_S,
            found=f"{longest_s:.1f} s",
        )
        yield _row(f"{title}, half dead", "the service, no sessions", spells, (sweeps.check(), soon), Goal(1.0))


def _row(name: str, ours: str, spells: Spells, checks: tuple[Check, ...], goal: Goal) -> BenchRow:
    return BenchRow(name, ours, PEER, spells.ours_s, spells.peer_s, checks, goal, notes=(spells.note,))


def _over_floor(row: BenchRow, goal: Goal, logins: Sequence[BmcLogin]) -> BenchRow:
    """Add to a row what no client can be faster than."""
    floor_s = powerfloor.floor(logins, len(row.ours_s))
    return replace(row, notes=(*row.notes, powerfloor.note(floor_s, row.peer_s, goal)))


def _swept(argv: Sequence[str]) -> Sweep:
    """Run a command that prints a line for each BMC, such as `n1: off`; indented lines are remedies."""
    lines: list[str] = []
    run(argv, check=False, on_line=lines.append)
    found = [line for line in lines if ": " in line and not line.startswith(" ")]
    alive = sum(line.endswith(": off") for line in found)
    return Sweep(alive, len(found) - alive)


@contextmanager
def _bmcs(work: Workspace, count: int, shares: Mapping[str, float], common: Traits) -> Iterator[Sweeps]:
    """Run simulated BMCs beside the service for a block; for it they are BMCs like any other."""
    with Site.open(work.fresh("simulated") / "site") as there:
        names = simulate(there, count, shares, common, consoles=False).names
        nodes = there.nodes.many(names)
        changes = {name: {key: nodes[name].get(key) for key in _COPIED} | {"groups": GROUP} for name in names}
        for name in list(work.site.nodes):
            work.site.delete("node", name)
        work.site.change("node", changes)
        settings = work.root / "freeipmi.conf"
        settings.touch(mode=0o600)
        one = nodes[names[0]]
        user, password = there.bmc_login(one.name)
        settings.write_text(f"username {user}\npassword {password.reveal()}\n")
        argv = [sys.executable, "-m", "sbkernel.nodes.practice", "--site", str(there.root)]
        process = spawn(argv, env=module_environment())
        try:
            _await(there, process, count)
            yield Sweeps(work, settings, [login(there, nodes[name]) for name in names])
        finally:
            Service(work.site).stop()
            end(process)
            settings.unlink()


def _await(site: Site, process: Process, count: int) -> None:
    deadline = time.monotonic() + _START_S
    while (said := state(site)).bmcs != count:
        if process.poll() is not None or time.monotonic() > deadline:
            trouble = next(iter(said.troubles.values()), "the simulator ended")
            raise ServiceError(f"{said.bmcs} of {count} BMCs listen: {trouble}")
        time.sleep(0.05)
