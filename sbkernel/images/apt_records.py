"""Read the records of packages that apt prints (deb-control(5), apt-cache(8)): sizes, and who needs whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbkernel.images.apt_output import Resolved
from sbkernel.images.resolution import Candidate
from sbkernel.packages.package import Package
from sbkernel.packages.readers.deb.dpkg import DEB

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)")

Record = Mapping[str, str]


def records(text: str) -> Iterator[Record]:
    """Yield the records of a text."""
    for paragraph in re.split(r"\n{2,}", text):
        fields = {name: value.strip() for name, value in _FIELD.findall(paragraph)}
        if "Package" in fields:
            yield fields


def candidates(resolved: Sequence[Resolved], text: str) -> list[Candidate]:
    """Return the resolved packages with what their records say; one without a record has no sizes and no needs."""
    known = {_key(record): record for record in reversed(list(records(text)))}
    pairs = [(one, known.get((one.name, one.version, one.architecture), {})) for one in resolved]
    providers = _providers(pairs)
    return [_candidate(one, record, providers) for one, record in pairs]


def _key(record: Record) -> tuple[str, str, str]:
    return record["Package"], record.get("Version", ""), record.get("Architecture", "")


def _providers(pairs: Iterable[tuple[Resolved, Record]]) -> dict[str, list[str]]:
    """Return who is there under a name: the package itself, else those that provide it."""
    found: dict[str, list[str]] = {}
    provided: dict[str, list[str]] = {}
    for one, record in pairs:
        found[one.name] = [one.name]
        for name in _names(record.get("Provides", "").split(",")):
            provided.setdefault(name, []).append(one.name)
    return provided | found


def _names(clauses: Iterable[str]) -> list[str]:
    return [match[1] for match in map(_NAME.match, clauses) if match]


def _candidate(one: Resolved, record: Record, providers: Mapping[str, Sequence[str]]) -> Candidate:
    base = record.get("Essential") == "yes" or record.get("Priority") == "required"
    return Candidate(_package(one, record), one.size, tuple(_needs(one.name, record, providers)), base)


def _needs(own: str, record: Record, providers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of resolved packages that fulfil a dependency: of alternatives, the first that is there."""
    clauses = (clause for name in ("Pre-Depends", "Depends") for clause in record.get(name, "").split(","))
    alternatives = (_names(clause.split("|")) for clause in clauses)
    chosen = (next((providers[name] for name in names if name in providers), ()) for names in alternatives)
    return [name for name in dict.fromkeys(name for names in chosen for name in names) if name != own]


def _package(one: Resolved, record: Record) -> Package:
    source, _, source_version = (record.get("Source") or one.name).partition(" ")
    size = record.get("Installed-Size", "")
    return Package(
        name=one.name,
        version=one.version,
        arch=one.architecture,
        family=DEB,
        size_bytes=int(size) * 1024 if size.isascii() and size.isdigit() else 0,
        source=source,
        source_version=source_version.strip("()") or one.version,
        section=record.get("Section", ""),
        priority=record.get("Priority", ""),
        maintainer=record.get("Maintainer", ""),
        homepage=record.get("Homepage", ""),
        summary=record.get("Description", "").partition("\n")[0],
        sha256=one.sha256,
    )
