"""The fstab of a node: the default of xCAT, and how one is read (fstab(5))."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors, shown
from sbkernel.lists.document import Document, ListLine

_BLANKS = " \t"
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_FORM = "device directory type options 0 0"


class Mount(NamedTuple):
    r"""One line of an fstab as it is written: a blank in a name is \040."""

    spec: str
    file: str
    vfstype: str
    options: str
    freq: int = 0
    passno: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Fstab:
    """The mounts in order, and what is wrong or odd. Two fstabs are equal if their mounts are equal."""

    mounts: tuple[Mount, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the lines that a build should log."""
        return as_warnings(self.diagnostics)

    def render(self) -> str:
        """Return the text of the file, byte for byte as it was read."""
        return "".join(document.render() for document in self.documents)


_GENERIC = (
    Mount("devpts", "/dev/pts", "devpts", "gid=5,mode=620"),
    Mount("tmpfs", "/dev/shm", "tmpfs", "defaults"),  # noqa: S108
    Mount("proc", "/proc", "proc", "defaults"),
    Mount("sysfs", "/sys", "sysfs", "defaults"),
)
_RED_HAT = (
    Mount("proc", "/proc", "proc", "rw"),
    Mount("sysfs", "/sys", "sysfs", "rw"),
    Mount("devpts", "/dev/pts", "devpts", "rw,gid=5,mode=620"),
)
_RED_HAT_FAMILY = ("rh", "centos", "alma", "rocky", "ol", "SL")


def default(profile: str, arch: str, osvers: str) -> str:
    """Return the fstab that an image has after xCAT's genimage and its shipped postinstall.

    Debian and Ubuntu get seven lines, with no size for /tmp and /var/tmp; SLES the same with size=10m; Red Hat three.
    """
    if osvers.startswith(_RED_HAT_FAMILY):
        return compose(_RED_HAT)
    options = "defaults,size=10m" if osvers.startswith(("sle", "leap")) else "defaults"
    temporary = [Mount("tmpfs", where, "tmpfs", options, 0, 2) for where in ("/tmp", "/var/tmp")]  # noqa: S108
    return compose([*_GENERIC, *temporary, Mount(f"{profile}_{arch}", "/", "tmpfs", "rw", 0, 1)])


def compose(mounts: Iterable[Mount]) -> str:
    """Return the text of an fstab with aligned columns."""
    rows = [(m.spec, m.file, m.vfstype, m.options, m) for m in mounts]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    cells = (
        "  ".join(str(row[c]).ljust(widths[c]) for c in range(4)) + f" {row[4].freq} {row[4].passno}" for row in rows
    )
    return "".join(f"{cell}\n" for cell in cells)


def parse(text: str, file: str = "fstab") -> Fstab:
    """Parse an fstab, without raising; lines that mount(8) ignores are left out."""
    document = Document.parse(text, file)
    notes: list[Diagnostic] = []
    found: list[tuple[ListLine, Mount]] = []
    for line in document.lines():
        fields = _fields(line.text)
        if fields and not fields[0].startswith("#"):
            notes += _look(line, fields)
            found += [(line, mount) for mount in _mount(fields)]
    return Fstab(tuple(mount for _, mount in found), in_order([*notes, *_twice(found)]), (document,))


def load(path: Path) -> Fstab:
    """Read an fstab. Raises ListFileError for the first error in it."""
    loaded = parse(files.text_of(path, "fstab"), str(path))
    refuse_errors(loaded.diagnostics)
    return loaded


def unescaped(field: str) -> str:
    r"""Return a field with \040 and the like replaced."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def _fields(text: str) -> list[str]:
    return [word for word in re.split(r"[ \t]+", text.strip(_BLANKS + "\r")) if word]


def _mount(fields: list[str]) -> Iterator[Mount]:
    numbers = fields[4:6]
    if len(fields) >= 3 and all(map(_is_number, numbers)):
        words = [*fields[:4], "defaults"][:4]
        yield Mount(words[0], words[1], words[2], words[3], *map(int, numbers))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _look(line: ListLine, fields: list[str]) -> Iterator[Diagnostic]:
    column = len(line.text) - len(line.text.lstrip(_BLANKS)) + 1
    if len(fields) < 3:
        yield line.note("error", f"expected 3 to 6 fields, found {len(fields)}", _FORM, column)
        return
    if not all(map(_is_number, fields[4:6])):
        yield line.note("error", "the fifth and sixth field must be numbers", _FORM, column)
    if len(fields) > 6:
        what = f"ignored from the seventh field on: {shown(' '.join(fields[6:]))}"
        yield line.note("warning", what, "A comment needs a line of its own.", column)
    if not unescaped(fields[1]).startswith("/") and not (fields[2] == "swap" or fields[1] in ("none", "swap")):
        what = f"{shown(fields[1])} is not a directory to mount on"
        yield line.note("error", what, "Write its full path, or none for swap.", column)
    if line.text.endswith("\r"):
        yield line.note("warning", "the line ends in CR LF", "Save the file with Unix line ends.", len(line.text))


def _twice(found: Iterable[tuple[ListLine, Mount]]) -> Iterator[Diagnostic]:
    first: dict[str, ListLine] = {}
    for line, mount in found:
        where = unescaped(mount.file)
        before = first.setdefault(where, line)
        if before is not line and where.startswith("/"):
            what = f"{shown(where)} is already mounted in line {before.number}"
            yield line.note("warning", what, "The later mount hides the earlier one.")
