"""Read what rpm says is installed (rpm(8), --queryformat)."""

from __future__ import annotations

from collections.abc import Collection

from sbkernel.packages.package import Package
from sbkernel.packages.readers.rpm.reasons import Reasons

RPM = "rpm"
# The values are separated by control characters, which no header contains. Every rpm since EL 6 knows these tags.
_UNIT, _RECORD = "\x1f", "\x1e"
TAGS = (
    "%{NAME}", "%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}", "%{ARCH}", "%{LONGSIZE}", "%{SOURCERPM}", "%{GROUP}",
    "%{VENDOR}", "%{PACKAGER}", "%{LICENSE}", "%{URL}", "%{SUMMARY}", "[%{OBSOLETENAME} ]",
)  # fmt: skip
QUERY = _UNIT.join(TAGS) + _RECORD
PATHS = f"%{{NAME}}{_UNIT}[%{{FILENAMES}}{_UNIT}]{_RECORD}"
KEY = "gpg-pubkey"  # rpm keeps the keys it trusts as packages


def packages(output: str, reasons: Reasons | None = None) -> list[Package]:
    """Return the packages of `rpm -qa --queryformat QUERY`."""
    reasons = reasons or Reasons()
    rows = (record.split(_UNIT) for record in output.split(_RECORD))
    full = (row for row in rows if len(row) == len(TAGS))
    found = (_package([_value(text) for text in row], reasons) for row in full)
    return sorted(package for package in found if package.name != KEY)


def paths(output: str, names: Collection[str]) -> dict[str, list[str]]:
    """Return the paths of `rpm -qa --queryformat PATHS` by name."""
    found: dict[str, list[str]] = {}
    for name, *files in (record.split(_UNIT) for record in output.split(_RECORD)):
        if name in names:
            found[name] = [*found.get(name, ()), *filter(None, files)]
    return found


def _value(text: str) -> str:
    stripped = text.strip()
    return "" if stripped == "(none)" else stripped


def _package(row: list[str], reasons: Reasons) -> Package:
    name, version, arch, size, source_rpm, group, vendor, packager, licence, url, summary, obsoletes = row
    source, source_version = source_of(source_rpm)
    reason = reasons.of(name, arch)
    return Package(
        name=name,
        version=version.removeprefix("0:"),
        arch=arch,
        family=RPM,
        size_bytes=int(size or 0),
        source=source,
        source_version=source_version,
        section="" if group == "Unspecified" else group,
        origin=reason.repository or vendor or packager,
        licence=licence,
        explicit=reason.explicit,
        maintainer=packager or vendor,
        homepage=url,
        summary=summary,
        replaces=tuple(sorted(set(obsoletes.split()) - {name, "(none)"})),
    )


def source_of(source_rpm: str) -> tuple[str, str]:
    """Return name and version-release of a source package, from the name of its file; ("", "") if there is none."""
    parts = source_rpm.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")
