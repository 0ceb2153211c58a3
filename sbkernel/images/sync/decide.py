"""From the lines of synclists and what their sources are to what is done: files to lay, scripts to run, boot. Pure.

xCAT's packimage stops at the first clause; here all of it applies that can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sbkernel.images.sync.layings import Found, Laying, added, copies
from sbkernel.images.sync.sources import FILE, OTHER, Source
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.syncline import POST, SyncItem, covers, substituted, variables
from sbkernel.lists.synclint import MERGEABLE

_PAGE, _NAME_BYTES = 4096, 1024


@dataclass(frozen=True)
class Script:
    """A script to run in the tree when the file `after` was changed by laying it; "": always."""

    source: Source
    after: str
    item: SyncItem


@dataclass(frozen=True)
class Decision:
    """What is done for synclists when an image is packed, what is left for nodes to do at boot, and what to tell."""

    layings: tuple[Laying, ...] = ()
    scripts: tuple[Script, ...] = ()
    boot: tuple[SyncItem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def boot_data(self) -> list[dict[str, Any]]:
        """Return the lines that are kept for boot as data for JSON, in the order in which they are written."""
        return [
            {"clause": one.clause, "sources": list(one.sources), "destination": one.destination,
             "noderange": one.noderange or "", "line": _where(one)}
            for one in self.boot
        ]  # fmt: skip

    @property
    def unpacked(self) -> int:
        """Return what the files take in a node's memory at most, in bytes: whole pages, and 1 KiB for each name."""
        return sum(-(-one.source.size // _PAGE) * _PAGE + _NAME_BYTES for one in self.layings)

    @property
    def inputs(self) -> dict[str, Any]:
        """Return all that the outcome depends on beside the tree, as data for JSON."""
        sources = [one for laying in self.layings for one in laying.source.all()]
        return {
            "lines": [[one.how, one.source.path, one.to, one.name] for one in self.layings],
            "sources": {one.path: one.facts for one in sources},
            "scripts": [[one.source.path, one.source.digest, one.after] for one in self.scripts],
        }


def filled_in(item: SyncItem, values: Mapping[str, str], image: str) -> SyncItem:
    """Return an item with the values of environvar in its paths; ListFileError for one that is not set, or wrong."""
    for name in variables(item):
        if name not in values:
            remedy = f"sb chdef -t osimage {image} environvar={name}=VALUE"
            raise item.line.error(f"${name} is not set in the environvar of the osimage", hint=remedy)
    sources = tuple(substituted(source, values) for source in item.sources)
    filled = item._replace(sources=sources, destination=substituted(item.destination, values))
    _check_paths(filled)
    return filled


def all_at_boot(items: Sequence[SyncItem]) -> Decision:
    """Return the decision to do nothing now and all at boot (packimage --nosyncfiles)."""
    return Decision(boot=tuple(items), notes=tuple(f"{_where(item)}: kept for boot" for item in items))


def now(items: Sequence[SyncItem]) -> list[SyncItem]:
    """Return the items whose sources go into the image: those that are not only for some nodes, and all scripts."""
    return [item for item in items if item.noderange is None]


def decide(items: Sequence[SyncItem], found: Found) -> Decision:
    """Return what is done with the items of all synclists; ListFileError for one that cannot be done.

    Copies come first, then what is merged and appended to them.
    """
    here = [item for item in now(items) if not item.clause.startswith("EXECUTE")]
    copied = [one for item in here if not item.clause for one in copies(item, found)]
    more = [one for how in ("MERGE", "APPEND") for item in here if item.clause == how for one in added(item, found)]
    layings = [*(one for one in copied if one.source.kind != OTHER), *more]
    some = [item for item in items if item.noderange is not None]
    scripts = [_script(item, found, copied, some) for item in items if item.clause.startswith("EXECUTE")]
    run = [one.script for one in scripts if one.script]
    kept = {item.line for item in some} | {one.item.line for one in scripts if one.boot}
    told = [(one, f"{_where(one.item)}: {one.note}") for one in scripts if one.note]
    return Decision(
        layings=tuple(layings),
        scripts=(*(one for one in run if one.after), *(one for one in run if not one.after)),
        boot=tuple(item for item in items if item.line in kept),
        notes=(
            *(f"{_where(item)}: kept for boot: only for {item.noderange}" for item in some),
            *(note for one, note in told if one.boot),
        ),
        warnings=(
            *(
                f"{_where(one.item)}: {shown(one.source.path)} is no file: left out"
                for one in copied
                if one.source.kind == OTHER
            ),
            *_about_secrets(layings),
            *(note for one, note in told if not one.boot),
        ),
    )


def _check_paths(item: SyncItem) -> None:
    for source in item.sources:
        if not source.startswith("/"):
            raise item.line.error(f"{shown(source)} is not a full path", hint="Write the full path.")
        if not source.strip("/"):
            raise item.line.error("the root directory of this host is no source", hint="Name the files.")
    if item.clause.startswith("EXECUTE"):
        return
    if not item.destination.startswith("/"):
        said = f"the destination is not a full path: {shown(item.destination)}"
        raise item.line.error(said, hint="Write the full path.")
    if ".." in item.destination.split("/"):
        said = f"the destination may not contain ..: {shown(item.destination)}"
        raise item.line.error(said, hint="Write the path as it is in the image.")
    if item.clause == "MERGE" and item.destination not in MERGEABLE:
        said = f"MERGE: cannot change {shown(item.destination)}"
        raise item.line.error(said, hint=f"Only {', '.join(MERGEABLE)}")


class _Fate(NamedTuple):
    """What becomes of the line of a script: whether it runs now, whether it is kept for boot, and what to tell."""

    item: SyncItem
    script: Script | None = None
    boot: bool = False
    note: str = ""


def _script(item: SyncItem, found: Found, copies: Sequence[Laying], some: Sequence[SyncItem]) -> _Fate:
    """Decide about the line of a script; `some` are the lines that are only for some nodes."""
    (path,) = item.sources
    always = item.clause == "EXECUTEALWAYS"
    if not always and not path.endswith(POST):
        return _Fate(item, note=f"{shown(path)} never runs: EXECUTE: only runs FILE{POST}, when FILE has changed")
    needed = path if always else path.removesuffix(POST)
    if any(one.source.path == needed for one in copies):
        source = next((one for one in found[path] if one.kind == FILE), None)
        if source is None:
            raise item.line.error(f"{shown(path)} is no file that can be read", hint="Correct the path.")
        note = f"{shown(path)} runs now, and is kept for boot, as it is to run always" if always else ""
        return _Fate(item, Script(source, "" if always else needed, item), always, note)
    if any(covers(word, needed) for other in some for word in other.sources):
        return _Fate(item, boot=True, note=f"kept for boot: {shown(needed)} is only for some nodes")
    missing = "is not on the node" if always else "never runs"
    return _Fate(item, note=f"{shown(path)} {missing}: no line copies {shown(needed)}")


def _about_secrets(layings: Sequence[Laying]) -> list[str]:
    """Say of what others may not read on this host that they can in the image, which any node can fetch."""
    found: dict[str, list[str]] = {}
    for one in layings:
        if one.source.secret:
            found.setdefault(_where(one.item), []).append(one.source.path)
    return [
        f"{where}: {shown(paths[0])} {f'and {len(paths) - 1} more are' if paths[1:] else 'is'} closed to others on this"
        " host, but whoever can fetch the image can read what is in it"
        for where, paths in found.items()
    ]


def _where(item: SyncItem) -> str:
    return f"{item.line.file}:{item.line.number}"
