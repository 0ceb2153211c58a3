"""partitionfile: what is made of the local disks of a node (xCAT: Enabling the localdisk Option). Text in, values out.

The keys and sections are xCAT's; ours are `mount`, `policy`, `onerror` and `[rootspace]`, and as `dev` also `only`,
`first` and `size:LOW-HIGH`, for which the node looks itself.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from sbkernel.errors import DefinitionError
from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, in_order, refuse_errors, shown
from sbkernel.lists.document import Document, ListLine
from sbkernel.lists.partitionwords import (
    Partition,
    Span,
    WordError,
    read_directories,
    read_disk,
    read_partition,
    read_spans,
)

_T = TypeVar("_T")
KIND = "partitionfile"
_YES = ("yes", "no")
_FILE_SYSTEMS = ("ext4", "ext3", "xfs")
_KEYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "": {"enable": _YES, "enablepart": _YES, "onerror": ("stop", "ram")},
    "disk": {
        "dev": (), "clear": _YES, "fstype": _FILE_SYSTEMS, "ptype": ("gpt", "msdos"), "parts": (),
        "policy": ("keep", "wipe"),
    },
    "localspace": {"dev": (), "fstype": _FILE_SYSTEMS, "mount": (), "policy": ("keep", "wipe")},
    "swapspace": {"dev": ()},
    "rootspace": {"dev": (), "fstype": _FILE_SYSTEMS, "overlay": ("ram", "disk", "keep")},
}  # fmt: skip
"""The keys of each section with their values; () is any. The first value is the default, but of yes and no, no."""
_SAME = {"ptable": "ptype"}
_COMMENT = re.compile(r"(?:^|\s)#.*")
_NEEDED = {"disk": ("dev", "parts"), "localspace": ("dev",), "swapspace": ("dev",), "rootspace": ("dev",)}


class Value(NamedTuple):
    """What stands behind a key, and where."""

    text: str
    line: ListLine


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One section; the one without a name is what stands before the first."""

    name: str
    line: ListLine
    values: Mapping[str, Value]

    def get(self, key: str) -> str:
        """Return the value of a key, or its default."""
        if key in self.values:
            return self.values[key].text
        allowed = _KEYS[self.name][key]
        return "no" if allowed == _YES else (allowed[0] if allowed else "")


@dataclasses.dataclass(frozen=True, slots=True)
class Disk:
    """A disk that is partitioned. `fstype` is that of partitions that no section uses; "" leaves them empty."""

    dev: str
    table: str
    clear: bool
    wipe: bool
    fstype: str
    spans: tuple[Span, ...]
    line: ListLine = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """A partition and what it is for: `localspace` with its directories, `swapspace`, or `rootspace`.

    `fstype` is "" where the section does not say it.
    """

    kind: str
    partition: Partition
    line: ListLine = dataclasses.field(compare=False)
    fstype: str = ""
    directories: tuple[str, ...] = ()
    wipe: bool = False
    overlay: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """What a partitionfile says. Two are equal if they say the same; `document` renders the text again."""

    enabled: bool = False
    partitions: bool = False
    falls_back: bool = False
    disks: tuple[Disk, ...] = ()
    spaces: tuple[Space, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    document: Document = dataclasses.field(default=Document("", ()), compare=False, repr=False)

    @property
    def fstypes(self) -> frozenset[str]:
        """Return the file systems that it names."""
        named = {*(disk.fstype for disk in self.disks), *(space.fstype for space in self.spaces)}
        return frozenset(named - {""})

    def render(self) -> str:
        """Return the text of the file, byte for byte as it was read."""
        return self.document.render()


def parse(text: str, file: str = KIND) -> Layout:
    """Parse a partitionfile, without raising."""
    document = Document.parse(text, file)
    notes: list[Diagnostic] = []
    top, *sections = _sections(document, notes)
    disks = tuple(disk for one in sections if one.name == "disk" for disk in _disk(one, notes))
    spaces = tuple(space for one in sections if one.name not in ("disk", "") for space in _space(one, notes))
    partitions = top.get("enablepart") == "yes"
    notes += [*_disks_twice(disks), *_spaces_twice(spaces)]
    if partitions:
        notes += _not_made(disks, spaces)
    return Layout(
        enabled=top.get("enable") == "yes",
        partitions=partitions,
        falls_back=top.get("onerror") == "ram",
        disks=disks,
        spaces=spaces,
        diagnostics=in_order(notes),
        document=document,
    )


def read(path: Path | str) -> Layout:
    """Read a partitionfile. Raises NotFoundError if it is missing."""
    return parse(files.text_of(Path(path), KIND), str(path))


def load(path: Path | str) -> Layout:
    """Read a partitionfile. Raises ListFileError for the first error in it."""
    found = read(path)
    refuse_errors(found.diagnostics)
    return found


def layout_of(attributes: Mapping[str, str]) -> Layout | None:
    """Return the layout of an osimage; None if it has none.

    Raises as load does, and DefinitionError for a script (s:PATH), which writes a layout for an installer.
    """
    file = attributes.get(KIND, "")
    if file.startswith("s:"):
        raise DefinitionError(
            f"{KIND}={file} is refused: a script makes partitions for an installer, and stateless nodes have none",
            hint="name a file with [disk], [localspace] and [swapspace]",
        )
    return load(file) if file else None


def _sections(document: Document, notes: list[Diagnostic]) -> list[Section]:
    values: dict[str, Value] = {}
    found = [Section("", ListLine(document.file, 1, ""), values)]
    known, spoilt = True, set[int]()
    for line in document.lines():
        said = _COMMENT.sub("", line.text).strip()
        if not said:
            continue
        if said.startswith("["):
            values, name = {}, said[1:].removesuffix("]").strip()
            known = said.endswith("]") and bool(name) and name in _KEYS
            if known:
                found.append(Section(name, line, values))
            else:
                notes.append(_unknown(line, "section", said, [f"[{one}]" for one in _KEYS if one]))
        elif known:
            wrong = list(_key(line, said, found[-1].name, values))
            spoilt |= {len(found)} if wrong else set()
            notes += wrong
    for number, section in enumerate(found, start=1):
        # What is missing may be what is misspelt.
        needed = () if number in spoilt else _NEEDED.get(section.name, ())
        missing = [key for key in needed if key not in section.values]
        notes += [section.line.note("error", f"[{section.name}] has no {key}=", _REMEDIES[key]) for key in missing]
    return found


_REMEDIES = {"dev": "dev=/dev/disk/by-id/NAME, or dev=only", "parts": "parts=20,80, or parts=8G,rest"}


def _key(line: ListLine, said: str, section: str, values: dict[str, Value]) -> Iterator[Diagnostic]:
    key, equals, value = (part.strip() for part in said.partition("="))
    key, allowed = _SAME.get(key, key), _KEYS[section]
    if not equals or key not in allowed:
        where = f" of [{section}]" if section else " before the first section"
        yield _unknown(line, "key", key or said, list(allowed), where)
    elif key in values:
        yield line.note("error", f"{key}= stands in line {values[key].line.number} already", "Leave one of them out.")
    elif not value or (allowed[key] and value not in allowed[key]):
        meant = " or ".join(allowed[key]) if allowed[key] else "a value"
        yield line.note("error", f"{key}={shown(value)} is not {meant}", f"{key}={_example(allowed[key], key)}")
    else:
        values[key] = Value(value, line)


def _example(allowed: tuple[str, ...], key: str) -> str:
    return allowed[0] if allowed else _REMEDIES.get(key, f"{key}=/var,/tmp").partition("=")[2]


def _unknown(line: ListLine, what: str, said: str, known: list[str], where: str = "") -> Diagnostic:
    near = difflib.get_close_matches(said, known, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}"
    return line.note("error", f"{shown(said)} is no {what}{where}", remedy)


def _word(section: Section, key: str, read_word: Callable[[str], _T], notes: list[Diagnostic]) -> _T | None:
    """Return what the value of a key means; None if there is none, or if it is wrong, which is noted."""
    try:
        return read_word(section.get(key)) if key in section.values else None
    except WordError as error:
        notes.append(section.values[key].line.note("error", str(error), error.remedy))
    return None


def _disk(section: Section, notes: list[Diagnostic]) -> Iterator[Disk]:
    dev, spans = _word(section, "dev", read_disk, notes), _word(section, "parts", read_spans, notes)
    if section.get("ptype") == "msdos" and spans and len(spans) > 4:
        notes.append(section.values["parts"].line.note("error", "msdos has at most 4 partitions", "ptype=gpt"))
    if dev and spans:
        clear, wipe = section.get("clear") == "yes", section.get("policy") == "wipe"
        yield Disk(dev, section.get("ptype"), clear, wipe, _fstype(section), spans, section.line)


def _space(section: Section, notes: list[Diagnostic]) -> Iterator[Space]:
    partition = _word(section, "dev", read_partition, notes)
    directories = _word(section, "mount", read_directories, notes)
    if partition and (directories is not None or "mount" not in section.values):
        wipe = section.name == "localspace" and section.get("policy") == "wipe"
        overlay = section.get("overlay") if section.name == "rootspace" else ""
        yield Space(section.name, partition, section.line, _fstype(section), directories or (), wipe, overlay)


def _fstype(section: Section) -> str:
    return section.values["fstype"].text if "fstype" in section.values else ""


def _disks_twice(disks: tuple[Disk, ...]) -> Iterator[Diagnostic]:
    first: dict[str, Disk] = {}
    for disk in disks:
        if first.setdefault(disk.dev, disk) is not disk:
            said = f"{disk.dev} is partitioned in line {first[disk.dev].line.number} already"
            yield disk.line.note("error", said, "Write one [disk] for each disk.")


def _spaces_twice(spaces: tuple[Space, ...]) -> Iterator[Diagnostic]:
    used: dict[Partition, Space] = {}
    where: dict[str, Space] = {}
    roots = [space for space in spaces if space.kind == "rootspace"]
    for space in spaces:
        if used.setdefault(space.partition, space) is not space:
            said = f"{space.partition} is used by line {used[space.partition].line.number} already"
            yield space.line.note("error", said, "Write mount=/var,/tmp to put several directories on it.")
        for directory in space.directories:
            if where.setdefault(directory, space) is not space:
                said = f"{directory} lies on the partition of line {where[directory].line.number} already"
                yield space.line.note("error", said, "Leave one of them out.")
    for space in roots[1:]:
        yield space.line.note("error", "there are two [rootspace]", "Leave one of them out.")


def _not_made(disks: tuple[Disk, ...], spaces: tuple[Space, ...]) -> Iterator[Diagnostic]:
    """Yield which spaces name a partition that their [disk] does not make."""
    made = {disk.dev: disk for disk in disks}
    for space in spaces:
        disk = made.get(space.partition.disk)
        if disk and not 1 <= space.partition.number <= len(disk.spans):
            count = len(disk.spans)
            yield space.line.note(
                "error",
                f"{space.partition}: parts= in line {disk.line.number} makes {count}",
                f"Write a number from 1 to {count}, or one more in parts=.",
            )
