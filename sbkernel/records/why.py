"""why: how a version of an image came to be, who moved pointers to it since, and the record that shows it.

It stands in this room because image.json names a record by its run, and only this room knows what it is called now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sbkernel.images.capture.captured import CAPTURED
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import PUBLISH, Move
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.signatures import SIGNATURE, is_signed
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.provenance.gitstate import UNKNOWN
from sbkernel.images.provenance.made import GENIMAGE, PACKIMAGE
from sbkernel.records import names
from sbkernel.site import Site
from sbkernel.units import size

_DIGITS = 12
Facts = Mapping[str, Any]
Row = tuple[str, str]


@dataclass(frozen=True)
class Why:
    """A version, the pointers to it, all that happened to it (oldest first), and the version packed before it or "".

    `records` are the records that are still there, by run.
    """

    version: ImageVersion
    pointers: tuple[str, ...]
    moves: tuple[Move, ...]
    before: str
    records: Mapping[str, Path]

    @property
    def made(self) -> Facts:
        """Return what image.json says of how it was made; nothing for a version of an older program."""
        return _mapping(self.version.data.get("made"))

    @property
    def name(self) -> str:
        """Return IMAGE@DIGEST, shortened."""
        return str(Reference(self.version.image, short(self.version.digest)))

    @property
    def record(self) -> Path | None:
        """Return the page of the record that packed it, else of the one that built it; None if there is none now."""
        found = (self.page(_mapping(self.made.get(verb)).get("record")) for verb in (PACKIMAGE, GENIMAGE))
        return next((page for page in found if page), None)

    def page(self, record: Any) -> Path | None:
        """Return the page of a record, or its notebook where it has none; None if it is gone."""
        notebook = self.records.get(str(_mapping(record).get("run", "")))
        if notebook is None:
            return None
        page = notebook.with_suffix(".html")
        return page if page.exists() else notebook

    @property
    def compare(self) -> str:
        """Return what to type to see how its packages differ from those of the version before; "" for the first."""
        image = self.version.image
        return f"sb diff {Reference(image, short(self.before))} {self.name}" if self.before else ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; times in seconds since the epoch, sizes in bytes."""
        data = self.version.data
        return {
            "image": self.version.image, "digest": self.version.digest, "published": self.version.created,
            "by": data.get("by", ""), "host": data.get("host", ""), "pointers": list(self.pointers),
            "kernelver": data.get("kernelver", ""), "packages": self.version.packages, "plan": data.get("plan", ""),
            "pack": data.get("pack", {}), "roots": [one._asdict() for one in self.version.roots],
            "signed": self.signed, "made": self.made, "moves": [move.as_json() for move in self.moves],
            "records": {run: str(path) for run, path in self.records.items()}, "compare": self.compare,
        }  # fmt: skip

    @property
    def signed(self) -> bool:
        """Tell whether a signature lies beside it; whose it is, and whether it is good, is not looked at."""
        return is_signed(self.version)

    def rows(self) -> Iterator[Row]:
        """Yield what there is to say, a name and a text each; a name of "" goes on with the one before."""
        data = self.version.data
        yield "version", " ".join([self.name, *self.pointers])
        yield "digest", self.version.digest
        yield "published", _who({"t": self.version.created, **data})
        yield "holds", f"{self.version.packages} packages, kernel {data.get('kernelver') or '?'}"
        yield "packed as", _pack(data.get("pack"))
        yield from (("root", _root(one)) for one in self.version.roots)
        yield from [("signed", SIGNATURE)] if self.signed else []
        for verb in (GENIMAGE, PACKIMAGE):
            run = _mapping(self.made.get(verb))
            yield from self._of_run("imgcapture" if CAPTURED in run else verb, run)
        if stands := _mapping(self.made.get("container")):
            yield "container", f"{stands.get('reference')}  {stands.get('digest')}"
        for what in ("lock", "manifest"):
            if found := _mapping(self.made.get(what)):
                yield what, f"{found.get('path') or found.get('file')}  sha256 {str(found.get('sha256'))[:_DIGITS]}"
        serial = _mapping(self.made.get("sbom")).get("serial", "")
        yield "SBOM", f"sb sbom {self.name}  {serial}".rstrip()
        yield from _named("history", (self._move(move) for move in self.moves))
        yield from [("compare", self.compare)] if self.compare else []

    def _of_run(self, verb: str, run: Facts) -> Iterator[Row]:
        if not run.get("by"):
            yield verb, "not recorded"
        else:
            yield verb, _who(run)
            yield from [("  built on", f"{run['host']}, as {run['on']}")] if run.get("on") else []
            yield from self._started(run)
        yield from [("  from", _captured(origin))] if (origin := _mapping(run.get(CAPTURED))) else []
        yield from [("  plan", str(run["plan"])[:_DIGITS])] if run.get("plan") else []
        yield from _named("  steps", (f"{digest[:_DIGITS]}  {name}" for name, digest in _texts(run.get("steps"))))
        yield from [("  with", _builder(_mapping(run.get("builder"))))] if run.get("builder") else []
        yield from _named("  lists", (_listed(one) for one in _several(run.get("lists"))))
        if alone := _mapping(run.get("onlyinitrd")):
            yield "  initrd", _who(alone)
        yield from _named("  osimage", (f"{name}={value}" for name, value in _texts(run.get("attributes"))))

    def _started(self, run: Facts) -> Iterator[Row]:
        if run.get("job"):
            yield "  job", str(run["job"])
        if record := _mapping(run.get("record")):
            yield "  record", self._record(record)

    def _record(self, record: Facts) -> str:
        if page := self.page(record):
            if names.is_unfinished(page):
                return f"{record['path']}, {'still running' if names.is_running(page) else 'interrupted'}"
            return str(page)
        name = str(record.get("path") or record.get("notebook"))
        return f"{name}, which is gone" if record.get("path") else f"none: run in {name}"

    def _move(self, move: Move) -> str:
        moved = f" ({' '.join(move.pointers)})" if move.pointers else ""
        shown = self._record(move.record) if move.record else ""
        why = f"untested: {move.reason}" if move.reason else ""
        return "  ".join(filter(None, [f"{when(move.t)}  {move.action}{moved}  {move.by}@{move.host}", shown, why]))

    def __str__(self) -> str:
        rows = list(self.rows())
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {_printable(text)}".rstrip() for name, text in rows)


def why(site: Site, reference: str | Reference) -> Why:
    """Return how the version that a word names (catalog/reference.py) came to be.

    Raises NotFoundError, also for a version whose image.json is damaged.
    """
    catalog = Catalog(site)
    return of_version(site, catalog, catalog.find(reference))


def of_version(site: Site, catalog: Catalog, version: ImageVersion) -> Why:
    """Return how a version came to be."""
    pointers = catalog.pointers(version.image)
    moves = tuple(move for move in pointers.history if move.digest == version.digest)
    packed = [move.digest for move in pointers.history if move.action == PUBLISH and move.digest not in pointers.gone]
    earlier = packed[: packed.index(version.digest)] if version.digest in packed else []
    before = next((digest for digest in reversed(earlier) if digest != version.digest), "")
    records = dict(_records(site, version, moves))
    return Why(version, tuple(pointers.of(version.digest)), moves, before, records)


def _records(site: Site, version: ImageVersion, moves: tuple[Move, ...]) -> Iterator[tuple[str, Path]]:
    made = _mapping(version.data.get("made"))
    named = [_mapping(_mapping(made.get(verb)).get("record")) for verb in (GENIMAGE, PACKIMAGE)]
    for record in {str(one.get("run")): one for one in [*named, *(move.record for move in moves)]}.values():
        if found := names.of_run(site.records, record):
            yield str(record["run"]), found


def _mapping(value: Any) -> Facts:
    """Return a mapping as it is: a version may come from another site, or from another program."""
    return value if isinstance(value, Mapping) else {}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[tuple[str, str]]:
    return [(str(key), str(text)) for key, text in _mapping(value).items()]


def _printable(text: str) -> str:
    """Return a text as it may go to a terminal: names of files, and what another site wrote, may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _named(name: str, texts: Iterator[str]) -> Iterator[Row]:
    for number, text in enumerate(texts):
        yield ("" if number else name), text


def _who(run: Facts) -> str:
    return f"{when(run.get('t'))} by {run.get('by', '?')}@{run.get('host', '?')}"


def when(t: Any) -> str:
    """Return a time (seconds since the epoch) as text; "?" for what is none, as it may come from another site."""
    try:
        return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (TypeError, ValueError, OverflowError, OSError):
        return "?"


def _pack(pack: Any) -> str:
    return ", ".join(value if name in ("method", "compression") else f"{name} {value}" for name, value in _texts(pack)
                     if value != "None") or "?"  # fmt: skip


def _root(root: Any) -> str:
    verity = f"  verity {root.verity[:_DIGITS]}" if root.verity else ""
    return f"{root.name}  {size(root.size)}  sha256 {root.sha256[:_DIGITS]}{verity}"


def _captured(origin: Facts) -> str:
    """Return from which node an image was captured, when, and what that had booted."""
    booted = f", which had booted {origin['of']}" if origin.get("of") else ""
    return f"{origin.get('node', '?')}, {when(origin.get('t'))}{booted}, Linux {origin.get('kernel', '?')}"


def _builder(builder: Facts) -> str:
    ours = _mapping(builder.get("sbkernel"))
    state = _git(_mapping(ours.get("git")))
    program = f"sbkernel {ours.get('version', '?')}" + (f" ({state})" if state else "")
    programs = (f"{name} {version}" for name, version in _texts(builder.get("programs")))
    return ", ".join([program, str(builder.get("os", "?")), f"Linux {builder.get('kernel', '?')}", *programs])


def _listed(one: Any) -> str:
    found = _mapping(one)
    sha256 = str(found.get("sha256") or "")[:_DIGITS]
    parts = [str(found.get("path")), f"sha256 {sha256}" if sha256 else "no sum", _git(_mapping(found.get("git")))]
    return "  ".join(filter(None, parts))


def _git(state: Facts) -> str:
    if not state:
        return ""
    if UNKNOWN in state:
        return f"git: {state[UNKNOWN]}"
    commit = f"commit {str(state['commit'])[:_DIGITS]}" if state.get("commit") else "in no commit"
    changed = ", changed" if state.get("dirty") else ""
    return f"{commit}{changed} {state.get('remote') or ''}".rstrip()
