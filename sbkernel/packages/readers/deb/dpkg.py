"""Read dpkg's database: what is installed, what was asked for, what replaces what (deb-control(5), dpkg-query(1))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sbkernel.packages.package import Package
from sbkernel.packages.readers.reader import Origin

DEB = "deb"
WANTED = (
    "Package", "Status", "Version", "Architecture", "Essential", "Installed-Size", "Source", "Section", "Priority",
    "Maintainer", "Homepage", "Pre-Depends", "Depends", "Breaks", "Conflicts", "Replaces", "Description",
    "Auto-Installed",
)  # fmt: skip
STATUS, EXTENDED_STATES = "var/lib/dpkg/status", "var/lib/apt/extended_states"

# dpkg-query writes the same paragraphs that the status file has, so that one parser reads both.
QUERY = "".join(f"{name}: ${{{name}}}\\n" for name in WANTED[:-2]) + "Description: ${binary:Summary}\\n\\n"

# The package's files are there, whatever triggers still have to run.
_INSTALLED = frozenset({"installed", "triggers-awaited", "triggers-pending"})
_ON_DISK = _INSTALLED | {"unpacked", "half-configured"}
_GONE = frozenset({"not-installed", "config-files"})
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_FIELDS = frozenset(WANTED)

Paragraph = dict[str, str]


@dataclass(frozen=True)
class Known:
    """What is known besides dpkg's own database.

    `auto` are the (name, arch) that came in as dependencies, None if that is not known; `asked` are the names in the
    package list, which count before that; `licences` are by name, `origins` by name=version:arch.
    """

    auto: frozenset[tuple[str, str]] | None = None
    asked: frozenset[str] | None = None
    licences: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a control file, the wanted fields of each; continuation lines are left out."""
    for paragraph in text.split("\n\n"):
        fields = (line.partition(":") for line in paragraph.splitlines() if line[:1].strip())
        wanted = {name: value.strip() for name, _, value in fields if name in _FIELDS}
        if wanted:
            yield wanted


def installed(tree: Path) -> list[Package]:
    """Return the packages installed in a tree, sorted by name and architecture; none if it has no dpkg database."""
    status = tree / STATUS
    return packages(status.read_text(errors="replace"))[0] if status.exists() else []


def packages(status: str, known: Known | None = None) -> tuple[list[Package], list[str]]:
    """Return the packages of a status file or of QUERY, and warnings about those that are not wholly installed."""
    known = known or Known()
    entries = [entry for entry in paragraphs(status) if "Package" in entry and _state(entry) not in _GONE]
    base = _base(entries) if known.auto is not None else frozenset()
    found = [_package(entry, known, base) for entry in entries if _state(entry) in _ON_DISK and entry.get("Version")]
    odd = [f"{entry['Package']} is {_state(entry)}" for entry in entries if _state(entry) not in _INSTALLED]
    return sorted(found, key=lambda package: (package.name, package.arch)), odd


def auto_installed(extended_states: str) -> frozenset[tuple[str, str]]:
    """Return name and architecture of what apt installed as a dependency, from its extended_states (apt-mark(8))."""
    return frozenset(
        (entry["Package"], entry.get("Architecture", ""))
        for entry in paragraphs(extended_states)
        if entry.get("Auto-Installed") == "1" and "Package" in entry
    )


def _state(entry: Paragraph) -> str:
    return entry.get("Status", "").rpartition(" ")[2]


def _base(entries: Sequence[Paragraph]) -> frozenset[str]:
    """Return the essential packages and what they depend on: a build installs them before apt begins to record."""
    needs = {entry["Package"]: _names(entry, "Pre-Depends", "Depends") for entry in entries}
    pending = [entry["Package"] for entry in entries if entry.get("Essential") == "yes"]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += needs.get(name, ())
    return frozenset(found)


def _names(entry: Paragraph, *fields: str) -> set[str]:
    clauses = (clause for name in fields for clause in re.split(r"[,|]", entry.get(name, "")))
    matches = (_NAME.match(clause.strip()) for clause in clauses)
    return {match[0] for match in matches if match}


def _package(entry: Paragraph, known: Known, base: frozenset[str]) -> Package:
    name, version, arch = entry["Package"], entry["Version"], entry.get("Architecture", "")
    source, _, source_version = (entry.get("Source") or name).partition(" ")
    origin = known.origins.get(f"{name}={version}:{arch}", Origin())
    return Package(
        name=name,
        version=version,
        arch=arch,
        family=DEB,
        size_bytes=int(entry.get("Installed-Size") or 0) * 1024,
        source=source,
        source_version=source_version.strip("()") or version,
        section=entry.get("Section", ""),
        priority=entry.get("Priority", ""),
        origin=origin.repository,
        licence=known.licences.get(name, ""),
        explicit=_explicit(name, arch, known, base),
        maintainer=entry.get("Maintainer", ""),
        homepage=entry.get("Homepage", ""),
        summary=entry.get("Description", ""),
        replaces=tuple(sorted(_names(entry, "Replaces") & _names(entry, "Breaks", "Conflicts") - {name})),
        sha256=origin.sha256,
    )


def _explicit(name: str, arch: str, known: Known, base: frozenset[str]) -> bool | None:
    if known.asked is not None:
        return name in known.asked
    if known.auto is None:
        return None
    # apt records a package for all architectures under the machine's own.
    auto = (name, arch) in known.auto or (arch == "all" and any(name == recorded for recorded, _ in known.auto))
    return not auto and name not in base
