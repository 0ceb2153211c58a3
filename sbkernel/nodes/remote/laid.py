"""From what synclists say and what lies on a node to what is sent to it: only what differs. Pure.

APPEND: and MERGE: are worked out here, from the file that the node has, so that a node needs no more than a shell.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sbkernel.errors import NodeError
from sbkernel.images.sync.decide import Script
from sbkernel.images.sync.layings import Laying
from sbkernel.images.sync.merge import MalformedError, appended, merged
from sbkernel.images.sync.sources import DIRECTORY, FILE, Source
from sbkernel.lists.diagnostic import shown

SEPARATOR = "\x1f"
Read = Callable[[str], bytes]
"""Return the content of a source by its path."""
_MODE = "644"


@dataclass(frozen=True)
class Batch:
    """What is done on nodes for which the lines of synclists mean the same."""

    layings: Sequence[Laying]
    scripts: Sequence[Script]
    originals: str
    """The directory on the node that keeps what files were before they were appended to."""
    root_is: int | None = None
    """The user of this host whose files belong to root on a node."""

    @property
    def question(self) -> bytes:
        """Return what a node is asked: what lies at each place."""
        return "".join(f"{line}\n" for line in self._asked()).encode(errors="surrogateescape")

    def _asked(self) -> Iterator[str]:
        for number, one in enumerate(self.layings):
            yield SEPARATOR.join((str(number), one.how, one.to, one.name, self.original(one.to)))

    def original(self, path: str) -> str:
        """Return where a node keeps what a file was before it was appended to."""
        return f"{self.originals}/org{path}"


@dataclass
class There:
    """What lies at one place of a node."""

    path: str
    kind: str = "none"
    sum: str = ""
    facts: tuple[str, ...] = ()
    encoded: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Sending:
    """What goes to one node: lines of the order, the files beside it, and what it says of that."""

    order: list[str] = field(default_factory=list)
    files: dict[str, bytes | str] = field(default_factory=dict)
    """Content by number, or the path of the source that has it."""
    changed: list[str] = field(default_factory=list)
    """The paths whose content changes."""

    def add(self, number: str, how: str, path: str, facts: Sequence[str], content: bytes | str | None = None) -> None:
        """Add one thing to do."""
        self.order.append(SEPARATOR.join((number, how, path, *facts)))
        if content is not None:
            self.files[number] = content


def answers(node: str, batch: Batch, lines: Iterable[str]) -> list[There]:
    """Read what a node says lies at the places. Raises NodeError when that is no answer to the question."""
    found: dict[int, There] = {}
    texts: list[str] = []
    for line in lines:
        number, tab, rest = line.partition("\t")
        if not tab:
            texts.append(line)
            continue
        if not number.isascii() or not number.isdigit() or int(number) >= len(batch.layings):
            raise NodeError(node, f"it says {shown(line[:80])} when asked for files")
        path, kind, *facts = (*rest.split("\t"), "", "")
        there = found.setdefault(int(number), There(path))
        if kind in ("content", "original"):
            texts = there.encoded.setdefault(kind, [])
        else:
            there.kind, there.sum, there.facts = kind, facts[0], tuple(facts[1:6])
    if len(found) != len(batch.layings):
        raise NodeError(node, "it has not said of all files whether it has them")
    for there in found.values():
        there.texts = {kind: _decoded(node, "".join(parts)) for kind, parts in there.encoded.items()}
    return [found[number] for number in range(len(batch.layings))]


def sending(node: str, batch: Batch, there: Sequence[There], sums: Mapping[str, str], read: Read) -> Sending:
    """Return what goes to a node; `sums` are the sha256 of sources by path. Raises NodeError, ListFileError."""
    out = Sending()
    new: set[str] = set()
    copied: dict[str, Source] = {}
    for number, (one, place) in enumerate(zip(batch.layings, there, strict=True)):
        if one.how not in (FILE, DIRECTORY):
            continue
        _check(node, one, place)
        copied[place.path] = one.source
        facts = _facts(one.source, batch.root_is)
        same = place.kind == one.how and place.sum in (sums.get(one.source.path), "-")
        if same and _owned(place.facts, facts):
            continue
        if same:
            out.add(str(number), "facts", place.path, facts)
            continue
        out.changed.append(place.path)
        new.add(one.source.path)
        out.add(str(number), one.how, place.path, facts, one.source.path if one.how == FILE else None)
    new |= _add(node, batch, there, copied, out, read)
    for number, script in enumerate(batch.scripts, start=len(batch.layings)):
        if not script.after or script.after in new:
            out.add(str(number), "script", script.source.path, [""] * 6, script.source.path)
    return out


def _add(
    node: str, batch: Batch, there: Sequence[There], copied: Mapping[str, Source], out: Sending, read: Read
) -> set[str]:
    """Add what APPEND: and MERGE: make of files; return the sources that have changed one."""
    additions: dict[str, list[tuple[int, Laying, There]]] = {}
    for number, (one, place) in enumerate(zip(batch.layings, there, strict=True)):
        if one.how in ("append", "merge"):
            if place.kind != FILE and one.to not in copied:
                raise NodeError(node, f"it has no file {shown(one.to)} ({one.item.line.file}:{one.item.line.number})")
            additions.setdefault(place.path or one.to, []).append((number, one, place))
    changed: set[str] = set()
    for path, several in additions.items():
        number, _, place = several[0]
        now = place.texts.get("content", b"")
        source = copied.get(path)
        original = read(source.path) if source else place.texts.get("original", _before(now, several, read))
        content = original if any(one.how == "append" for _, one, _ in several) or source else now
        for _, one, _ in several:
            content = _added(one, content, read)
        if content == now and not source:
            continue
        mode, uid, gid, *_ = place.facts if place.kind == FILE else (_MODE, "0", "0")
        keep = (mode, uid, uid, gid, gid, "")
        if any(one.how == "append" for _, one, _ in several):
            out.add(f"{number}.org", FILE, batch.original(several[0][1].to), keep, original)
        if content != now:
            out.changed += [] if path in out.changed else [path]
            changed |= {one.source.path for _, one, _ in several}
        out.add(str(number), FILE, path, keep, content)
    return changed


def _added(one: Laying, content: bytes, read: Read) -> bytes:
    if one.how == "append":
        return appended(content, read(one.source.path))
    try:
        return merged(content, read(one.source.path), one.to)
    except MalformedError as error:
        raise one.item.line.error(f"{shown(one.source.path)}: {error}") from None


def _before(now: bytes, several: Sequence[tuple[int, Laying, There]], read: Read) -> bytes:
    """Return a file without what packimage has appended to it already."""
    for _, one, _ in reversed(several):
        if one.how == "append":
            now = now.removesuffix(read(one.source.path))
    return now


def _check(node: str, one: Laying, place: There) -> None:
    wrong = {FILE: "directory", DIRECTORY: "file"}[one.how]
    if place.kind in (wrong, "other"):
        what = f"{shown(place.path)} is {'no file' if place.kind == 'other' else f'a {wrong}'} on it"
        raise NodeError(node, f"{what} ({one.item.line.file}:{one.item.line.number})")


def _facts(source: Source, root_is: int | None) -> tuple[str, ...]:
    own = root_is is not None and source.uid == root_is
    user, uid = ("root", 0) if own else (source.user or str(source.uid), source.uid)
    group, gid = ("root", 0) if own else (source.group or str(source.gid), source.gid)
    return (f"{source.mode:o}", user, str(uid), group, str(gid), str(source.mtime_ns // 1_000_000_000))


def _owned(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether a file has its owner, by name or number, and its mode."""
    mode, uid, gid, user, group = (*found, "", "", "", "", "")[:5]
    return mode == wanted[0] and wanted[1:3] in ((user, uid), (user, wanted[2]), (wanted[1], uid)) and wanted[3:5] in (
        (group, gid), (group, wanted[4]), (wanted[3], gid)
    )  # fmt: skip


def _decoded(node: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NodeError(node, f"what it says of a file cannot be read: {error}") from error
