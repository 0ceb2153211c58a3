"""Read the records of packages that apt prints (deb-control(5), apt-cache(8)): sizes, and who needs whom. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import Candidate
from sbkernel.images.families.resolved import Resolved
from sbkernel.packages.package import Package
from sbkernel.packages.readers.deb.dpkg import DEB

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)")

_FILENAME = re.compile(r"^Filename:.*$", re.MULTILINE | re.IGNORECASE)
_SIZE = re.compile(r"^Size:.*$", re.MULTILINE | re.IGNORECASE)
_SHA256_DIGITS = 64
_SUMS = re.compile(r"^(?:MD5sum|SHA\d+):.*\n", re.MULTILINE | re.IGNORECASE)

Record = Mapping[str, str]
Key = tuple[str, str, str, str]
"""Name, version, architecture and sha256."""


def by_content(text: str) -> dict[Key, str]:
    """Return the records in a text of several by what each says its package file is."""
    found: dict[Key, str] = {}
    for paragraph in re.split(r"\n{2,}", text.strip()):
        if "Package" in (record := fields(paragraph)):
            found.setdefault(_key(record), paragraph + "\n")
    return found


def fields(paragraph: str) -> Record:
    """Return the fields of one record."""
    return {name: value.strip() for name, value in _FIELD.findall(paragraph)}


def key(package: Resolved) -> Key:
    """Return by what the record of a package is found."""
    return package.name, package.version, package.architecture, package.sha256


def _key(record: Record) -> Key:
    return record["Package"], record.get("Version", ""), record.get("Architecture", ""), record.get("SHA256", "")


def index(
    packages: Iterable[Resolved], file_name: Callable[[Resolved], str], sizes: Mapping[Resolved, int] | None = None
) -> str:
    """Return the index of a repository that holds these packages and nothing else (deb-src-control(5), Packages).

    Files that are not what was fetched, but decompressed, have `sizes` in bytes, and no sums that one could check.
    """
    files = {f"./{file_name(package)}": package for package in packages}
    for package in files.values():
        _refuse_other(package)
    return listing(files, sizes)


def _refuse_other(package: Resolved) -> None:
    """Raise BuildError for a record that is not of this package alone: apt would install what that says.

    A record may come from a lock. apt takes names of fields whatever their case, and a blank line for the end.
    """
    record = fields(package.record)
    lines = package.record.removesuffix("\n").split("\n")
    names = [line.partition(":")[0].strip().lower() for line in lines if line[:1] not in (" ", "\t")]
    sums = {package.sha256, record.get("SHA256", package.sha256)}
    if (
        any(not line.strip() for line in lines)
        or len(names) != len({*names})
        or record.get("Package") != package.name
        or record.get("Version", package.version) != package.version
        or (len(package.sha256) == _SHA256_DIGITS and len(sums) > 1)
    ):
        raise BuildError(
            f"the record of {package} is not that of this package", hint="if it is from a lock: sb lock --update IMAGE"
        )


def listing(files: Mapping[str, Resolved], sizes: Mapping[Resolved, int] | None = None) -> str:
    """Return the index of packages whose files lie at these paths; of those with `sizes`, see index()."""
    sizes = sizes or {}
    named = ((one, _FILENAME.sub(f"Filename: {path}", one.record)) for path, one in files.items())
    return "\n".join(
        _SIZE.sub(f"Size: {sizes[one]}", _SUMS.sub("", text)) if one in sizes else text for one, text in named
    )


def release(index: str, codename: str, name: str = "Packages", fields: Iterable[str] = ()) -> str:
    """Return the Release file of such a repository; mmdebstrap takes essential packages of its codename alone."""
    data = index.encode()
    lines = [f"Suite: {codename}", f"Codename: {codename}", *fields, "SHA256:"]
    return "\n".join([*lines, f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}"]) + "\n"


def candidates(resolved: Sequence[Resolved]) -> list[Candidate]:
    """Return the resolved packages with what their records say."""
    pairs = [(one, fields(one.record)) for one in resolved]
    providers = _providers(pairs)
    return [_candidate(one, record, providers) for one, record in pairs]


def _providers(pairs: Iterable[tuple[Resolved, Record]]) -> dict[str, list[str]]:
    """Return who is there under a name: the package itself, else those that provide it."""
    found: dict[str, list[str]] = {}
    provided: dict[str, list[str]] = {}
    for one, record in pairs:
        found[one.name] = [one.name]
        for name in _names(record.get("Provides", "").split(",")):
            provided.setdefault(name, []).append(one.name)
    return provided | found


def requirements(resolved: Sequence[Resolved]) -> dict[str, list[frozenset[str]]]:
    """Return what each package needs: for each dependency, the names of those that can meet it."""
    pairs = [(one, fields(one.record)) for one in resolved]
    meet: dict[str, set[str]] = {one.name: {one.name} for one in resolved}
    for one, record in pairs:
        for name in _names(record.get("Provides", "").split(",")):
            meet.setdefault(name, set()).add(one.name)
    return {one.name: [_met(clause, meet) for clause in _clauses(record)] for one, record in pairs}


def _met(clause: str, meet: Mapping[str, set[str]]) -> frozenset[str]:
    return frozenset(one for name in _names(clause.split("|")) for one in meet.get(name, ()))


def _clauses(record: Record) -> list[str]:
    return [clause for name in ("Pre-Depends", "Depends") for clause in record.get(name, "").split(",")]


def base(resolved: Sequence[Resolved]) -> list[str]:
    """Return the names of the packages that belong to every system."""
    return [one.name for one in resolved if is_base(fields(one.record))]


def base_with_needs(resolved: Sequence[Resolved]) -> set[str]:
    """Return the names of the packages that belong to every system, and of all that any of them may need."""
    needs = requirements(resolved)
    found: set[str] = set()
    waiting = base(resolved)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for group in needs.get(name, ()) for other in group]
    return found


def is_base(record: Record) -> bool:
    """Tell whether a package belongs to every system."""
    return record.get("Essential") == "yes" or record.get("Priority") == "required"


def installed_bytes(package: Resolved) -> int:
    """Return what a package takes on disk, as its record says; 0 if it says nothing."""
    return _installed_bytes(fields(package.record))


def _installed_bytes(record: Record) -> int:
    size = record.get("Installed-Size", "")
    return int(size) * 1024 if size.isascii() and size.isdigit() else 0


def _names(clauses: Iterable[str]) -> list[str]:
    return [match[1] for match in map(_NAME.match, clauses) if match]


def _candidate(one: Resolved, record: Record, providers: Mapping[str, Sequence[str]]) -> Candidate:
    return Candidate(_package(one, record), one.size, tuple(_needs(one.name, record, providers)), is_base(record))


def _needs(own: str, record: Record, providers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of resolved packages that fulfil a dependency: of alternatives, the first that is there."""
    alternatives = (_names(clause.split("|")) for clause in _clauses(record))
    chosen = (next((providers[name] for name in names if name in providers), ()) for names in alternatives)
    return [name for name in dict.fromkeys(name for names in chosen for name in names) if name != own]


def _package(one: Resolved, record: Record) -> Package:
    source, _, source_version = (record.get("Source") or one.name).partition(" ")
    return Package(
        name=one.name,
        version=one.version,
        arch=one.architecture,
        family=DEB,
        size_bytes=_installed_bytes(record),
        source=source,
        source_version=source_version.strip("()") or one.version,
        section=record.get("Section", ""),
        priority=record.get("Priority", ""),
        maintainer=record.get("Maintainer", ""),
        homepage=record.get("Homepage", ""),
        summary=record.get("Description", "").partition("\n")[0],
        sha256=one.sha256,
    )
