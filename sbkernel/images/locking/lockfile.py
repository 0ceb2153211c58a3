"""The lock of an osimage as text: stanzas of fields, sorted, so that two of them are compared line by line.

The first stanza says for what it is; each further one is a package. `Record:` and `Asked:` go on in the following
lines, each with one blank before it. Lines that begin with # are comments, written anew only with the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.images.families.resolved import Container, Resolution, Resolved
from sbkernel.lists import lookup
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.text import encoded, missing, text_of
from sbkernel.site import Site

Locked = bool | str
"""Whether to build from a lock: from the osimage's own, or from the file of that name."""
FORMAT = "1"
_COMMENT = "# The exact packages of an osimage. `sb lock` writes this file, `sb genimage --locked` builds from it.\n"
_HINT = "take the file from version control, or make it anew: sb lock --update IMAGE"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.+~^:-]*"
_DIGEST = r"[0-9a-f]{64}"
_LINE = r"[^\x00-\x1f\x7f]+"
_HEAD = {
    "Format": FORMAT, "Osimage": _LINE, "Osvers": _WORD, "Osarch": _WORD, "Lists": _DIGEST, "Mirror": rf"/{_LINE}",
    "Container": rf"(oci|oci-archive|docker-archive|docker):{_LINE}", "Digest": rf"sha256:{_DIGEST}",
    "Packages": r"[0-9]{1,9}",
}  # fmt: skip
_PACKAGE = {
    "Package": _WORD, "Version": _WORD, "Architecture": _WORD, "Size": r"[0-9]{1,18}",
    "SHA256": r"[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}", "Address": rf"[a-z][a-z0-9+.-]*:{_LINE}",
    "Repository": _LINE, "Removed": "at the end",
}  # fmt: skip
"""Fields of one line, and what they may hold: names become those of files, addresses are passed to programs."""
_REMOVED = "at the end"
_OPTIONAL = {"Mirror", "Container", "Digest", "Removed", "Repository", "Asked", "Record"}
_FIELD = re.compile(r"([A-Z][A-Za-z0-9]*):(?: (.*))?")


@dataclass(frozen=True)
class Lock:
    """What an osimage was locked to: for which distribution, what its lists asked, and the packages that this means.

    `lists` is the digest of what the lists ask, `asked` are their names, those in `removed` leave the tree at the end,
    and in `mirror` lie the packages, too. `file` is where it was read from, `sha256` that of its bytes, `lines` where
    each field of its head is.
    """

    image: str
    osvers: str
    osarch: str
    lists: str
    asked: tuple[str, ...]
    packages: tuple[Resolved, ...]
    removed: tuple[Resolved, ...] = ()
    mirror: str = ""
    container: Container | None = None
    file: str = field(default="", compare=False)
    sha256: str = field(default="", compare=False, repr=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def resolution(self) -> Resolution:
        """Return what it says as a solver would."""
        return Resolution(self.packages, removed=self.removed, container=self.container)

    @property
    def named(self) -> dict[str, str]:
        """Return what tells this lock from others, for the record of a build."""
        return {"path": self.file, "sha256": self.sha256}

    def error(self, name: str, message: str, hint: str) -> ListFileError:
        """Return an error that names the line of a field of the head."""
        return ListFileError(self.file, self.lines.get(name, 1), message, hint=hint)


def render(lock: Lock, note: str = "") -> str:
    """Return the text of a lock; `note` is a comment, such as who has made it and when."""
    return f"{_COMMENT}{''.join(f'# {shown(line)}{chr(10)}' for line in note.splitlines())}{body(lock)}"


def body(lock: Lock) -> str:
    """Return the text of a lock without its comments: equal if nothing has changed."""
    head = [("Format", FORMAT), ("Osimage", lock.image), ("Osvers", lock.osvers), ("Osarch", lock.osarch)]
    head += [("Lists", lock.lists), ("Mirror", lock.mirror)]
    head += [("Container", lock.container.reference), ("Digest", lock.container.digest)] if lock.container else []
    head += [("Packages", str(len(lock.packages)))]
    gone = frozenset(lock.removed)
    stanzas = [_stanza(head, "Asked", lock.asked)]
    stanzas += [_stanza(_fields(one, one in gone), "Record", one.record.split("\n")[:-1]) for one in lock.packages]
    return "\n".join(stanzas)


def _fields(one: Resolved, removed: bool) -> list[tuple[str, str]]:
    return [
        ("Package", one.name), ("Version", one.version), ("Architecture", one.architecture), ("Size", str(one.size)),
        ("SHA256", one.sha256), ("Address", one.uri), ("Repository", one.repository),
        ("Removed", _REMOVED if removed else ""),
    ]  # fmt: skip


def _stanza(fields: Iterable[tuple[str, str]], last: str, lines: Iterable[str]) -> str:
    return "".join(
        [*(f"{name}: {value}\n" for name, value in fields if value), f"{last}:\n", *(f" {x}\n" for x in lines)]
    )


@dataclass
class _Stanza:
    """Fields of one stanza, the line of each, and those lines that go on."""

    file: str
    start: int
    fields: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    more: dict[str, list[str]] = field(default_factory=dict)

    def checked(self, known: Mapping[str, str], last: str) -> dict[str, str]:
        """Return the fields; ListFileError for one that is unknown, wrong or missing."""
        for name, value in self.fields.items():
            if name not in known and name != last:
                wrong(self.file, self.places[name], f"unknown field {shown(name)}")
            if name in known and not re.fullmatch(known[name], value):
                wrong(self.file, self.places[name], f"{name} cannot be {shown(value)!r}")
        for name in (*known, last):
            if name not in self.fields and name not in _OPTIONAL:
                wrong(self.file, self.start, f"the field {name} is missing")
        for name in (one for one in self.more if one != last):
            wrong(self.file, self.places[name] + 1, f"{name} has one line")
        return self.fields


def wrong(file: str, line: int, what: str) -> NoReturn:
    """Raise the error for a line that nobody can have written here."""
    raise ListFileError(file, line, f"damaged lock: {what}", hint=_HINT)


def parse(text: str, file: str) -> Lock:
    """Read a lock. ListFileError with file and line for whatever is wrong in it."""
    stanzas = list(_stanzas(text, file))
    if not stanzas:
        wrong(file, 1, "there is nothing in it")
    head, *rest = stanzas
    fields = head.checked(_HEAD, "Asked")
    packages: dict[Resolved, bool] = {}
    names: set[tuple[str, str, str]] = set()
    for one in rest:
        package = _package(one)
        if (key := (package.name, package.version, package.architecture)) in names:
            wrong(file, one.start, f"{package} is there twice")
        names.add(key)
        packages[package] = "Removed" in one.fields
    if len(packages) != int(fields["Packages"]):
        wrong(file, head.places["Packages"], f"there are {len(packages)} packages in it")
    ordered = sorted(packages)
    return Lock(
        fields["Osimage"],
        fields["Osvers"],
        fields["Osarch"],
        fields["Lists"],
        tuple(head.more.get("Asked", ())),
        tuple(ordered),
        tuple(one for one in ordered if packages[one]),
        fields.get("Mirror", ""),
        _container(head, fields),
        file,
        hashlib.sha256(encoded(text)).hexdigest(),
        head.places,
    )


def _container(head: _Stanza, fields: Mapping[str, str]) -> Container | None:
    there = [fields.get(name, "") for name in ("Container", "Digest")]
    if any(there) and not all(there):
        wrong(head.file, head.start, "Container and Digest belong together")
    return Container(*there) if all(there) else None


def _package(stanza: _Stanza) -> Resolved:
    fields = stanza.checked(_PACKAGE, "Record")
    return Resolved(
        fields["Package"],
        fields["Version"],
        fields["Architecture"],
        int(fields["Size"]),
        fields["SHA256"],
        fields["Address"],
        fields.get("Repository", ""),
        "".join(f"{line}\n" for line in stanza.more.get("Record", ())),
    )


def _stanzas(text: str, file: str) -> Iterator[_Stanza]:
    stanza: _Stanza | None = None
    last = ""
    if text and not text.endswith("\n"):
        wrong(file, text.count("\n") + 1, "its end is missing")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#"):
            continue
        if not line:
            if stanza:
                yield stanza
            stanza, last = None, ""
        elif line.startswith(" ") and stanza and last:
            stanza.more.setdefault(last, []).append(line[1:])
        elif match := _FIELD.fullmatch(line):
            stanza = stanza or _Stanza(file, number)
            last = match[1]
            if last in stanza.fields:
                wrong(file, number, f"{last} is there twice")
            stanza.fields[last], stanza.places[last] = match[2] or "", number
        else:
            wrong(file, number, f"{shown(line)[:60]!r} is no field")


def path_of_lock(site: Site, image: str, osvers: str, locked: Locked = True) -> Path:
    """Return the file of a lock: the one that is named, else IMAGE.lock beside the site's own lists."""
    return Path(locked).absolute() if isinstance(locked, str) else lookup.directories(site, osvers)[0] / f"{image}.lock"


def read_lock(file: Path) -> Lock:
    """Read a lock; NotFoundError if there is none, ListFileError for whatever is wrong in it."""
    if missing(file):
        raise NotFoundError(f"there is no lock {file}", hint="sb lock IMAGE makes one")
    return parse(text_of(file, "lock"), str(file))


def is_lock(file: Path) -> bool:
    """Tell whether a file is a lock, damaged or not; anything else is somebody's and is not replaced."""
    return re.search(r"^Format: ", text_of(file, "lock"), re.MULTILINE) is not None
