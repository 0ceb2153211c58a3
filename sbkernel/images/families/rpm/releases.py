"""The releases of rpm distributions, by the names that osvers has for them: where each keeps its package database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sbkernel.definitions.listpaths import platform
from sbkernel.errors import BuildError

ARCHITECTURES = ("x86_64", "aarch64", "ppc64le", "s390x")
OLDEST_EL = 8
OLDEST_SUSE = 15

Records = Literal["dnf4", "dnf5", "zypp"]
"""Where the package manager of a release records why a package is there."""


@dataclass(frozen=True)
class RpmRelease:
    """A release as its package manager sees it.

    `database` is the directory of rpm's database in the tree; `backend` is the form in which rpm of the release
    reads it; `platform` names the release to modules, empty where there are none.
    """

    version: str
    architecture: str
    platform: str
    database: str
    backend: Literal["sqlite", "bdb", "ndb"]
    records: Records


def release_of(osvers: str, osarch: str) -> RpmRelease:
    """Return the release that osvers and osarch mean; BuildError for one that cannot be built."""
    # What follows a dash is the site's own word, as in the names of list files.
    match = re.fullmatch(r"\D+?(\d+)(?:\.\d+)*(?:-.+)?", osvers)
    if osarch not in ARCHITECTURES:
        raise BuildError(f"not supported yet: {osarch or 'osarch unset'}; supported: {', '.join(ARCHITECTURES)}")
    if match is None:
        raise BuildError(f"'{osvers}' has no version", hint="osvers is such as rocky9.4 or fedora41")
    version = int(match[1])
    known = {"fedora": _fedora, "sles": _suse}
    return known.get(platform(osvers), _enterprise)(osvers, version, osarch)


def _enterprise(osvers: str, version: int, osarch: str) -> RpmRelease:
    if version < OLDEST_EL:
        raise BuildError(f"not supported: {osvers}", hint=f"version {OLDEST_EL} and later can be built")
    # rpm 4.14 of EL 8 knows Berkeley DB alone; EL 10 has moved the database as Fedora 36 has.
    database = "var/lib/rpm" if version < 10 else "usr/lib/sysimage/rpm"
    return RpmRelease(
        str(version), osarch, f"platform:el{version}", database, "bdb" if version == 8 else "sqlite", "dnf4"
    )


def _fedora(_osvers: str, version: int, osarch: str) -> RpmRelease:
    database = "var/lib/rpm" if version < 36 else "usr/lib/sysimage/rpm"
    records: Records = "dnf4" if version < 41 else "dnf5"
    # Fedora 39 was the last with modules.
    modules = f"platform:f{version}" if version < 40 else ""
    return RpmRelease(str(version), osarch, modules, database, "bdb" if version < 33 else "sqlite", records)


def _suse(osvers: str, version: int, osarch: str) -> RpmRelease:
    if version < OLDEST_SUSE:
        raise BuildError(f"not supported: {osvers}", hint=f"version {OLDEST_SUSE} and later can be built")
    return RpmRelease(str(version), osarch, "", "usr/lib/sysimage/rpm", "ndb", "zypp")
