"""What dnf says of a package, as the record of a resolved one: JSON, one object a package. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import Candidate
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import Resolved
from sbkernel.packages.package import Package
from sbkernel.packages.readers.rpm.query import RPM, source_of

ASKED = frozenset({"user", "group"})
"""Reasons of packages that somebody asked for, themselves or by a group."""

_SHA256_DIGITS = 64
# Names of files in the cache are made of these; an index may hold anything.
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+~^:-]*")
_ADDRESS = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SUM = re.compile(r"[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}")

Row = Mapping[str, Any]


def resolved(row: Row) -> Resolved:
    """Return one row of the solver's answer; BuildError when its repository gives no sum, or a name that is none."""
    if not all(_WORD.fullmatch(row[key]) for key in ("name", "version", "arch")) or not _ADDRESS.fullmatch(row["uri"]):
        package = "-".join(row[key] for key in ("name", "version", "arch"))
        raise BuildError(f"the repository {row['repository']} has a package that nobody can have made: {package!r}")
    if not _SUM.fullmatch(row["sum"]):
        raise BuildError(
            f"the repository {row['repository']} has no sum of {row['name']} that can be relied on",
            hint="make its index with createrepo_c, which uses sha256",
        )
    kept = {key: value for key, value in row.items() if key not in ("requirements", "uri")}
    return Resolved(
        row["name"],
        row["version"],
        row["arch"],
        int(row["download"]),
        row["sum"],
        shown(row["uri"]),
        row["repository"],
        json.dumps(kept, sort_keys=True, indent=1) + "\n",
    )


def row_of(package: Resolved) -> Row:
    """Return what the solver said of a package."""
    row: Row = json.loads(package.record)
    return row


def pass_of(package: Resolved) -> int:
    """Return in which pass a package is installed."""
    return int(row_of(package).get("pass", 0))


def newest(packages: Iterable[Resolved]) -> int:
    """Return when the newest of the packages was made, in seconds since the epoch."""
    return max((int(row_of(one)["built"]) for one in packages), default=0)


def candidate(row: Row) -> Candidate:
    """Return what a survey says of one row."""
    source, source_version = source_of(row["source"])
    package = Package(
        name=row["name"],
        version=row["version"],
        arch=row["arch"],
        family=RPM,
        size_bytes=int(row["size"]),
        source=source,
        source_version=source_version,
        section=row["section"],
        licence=row["licence"],
        homepage=row["homepage"],
        summary=row["summary"],
        sha256=row["sum"] if len(row["sum"]) == _SHA256_DIGITS else "",
    )
    return Candidate(package, int(row["download"]), tuple(row["needs"]))
