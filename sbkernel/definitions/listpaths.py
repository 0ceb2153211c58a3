"""Where the list files of an osimage lie: default names, directories, and includes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePath

from sbkernel.errors import DefinitionError

INCLUDE = re.compile(r"#INCLUDE:([^#^\n]+)#")
"""Includes another list file, anywhere in a line. Its path is relative to the top-level file (xCAT: imgutils)."""

_PLATFORMS = (
    ("rh", "rh"), ("centos", "centos"), ("alma", "alma"), ("rocky", "rocky"), ("fedora", "fedora"), ("sle", "sles"),
    ("leap", "sles"), ("suse", "suse"), ("SL", "SL"), ("ol", "ol"), ("ubuntu", "ubuntu"), ("debian", "debian"),
)  # fmt: skip


def platform(osvers: str) -> str:
    """Return the directory name of a distribution: debian for debian12, rh for rhels9.4."""
    for prefix, name in _PLATFORMS:
        if osvers.startswith(prefix):
            return name
    raise DefinitionError(f"'{osvers}' is not a distribution that we know", hint="osvers is such as debian12, rocky9.4")


def candidates(profile: str, osvers: str, osarch: str, ext: str) -> list[str]:
    """Return the file names to look for in one directory, best first (xCAT: -u, copycds)."""
    names = []
    for version in (osvers, *_older(osvers)):
        names += [f"{profile}.{version}.{osarch}.{ext}", f"{profile}.{version}.{ext}"]
    names += [f"{profile}.{osarch}.{ext}", f"{profile}.{ext}"]
    return list(dict.fromkeys(names))


def _older(osvers: str) -> Iterator[str]:
    """Yield the versions that a version falls back to: lower minor versions, then the major version alone."""
    base = osvers.partition("-")[0]
    if base != osvers:
        yield base
    match = re.fullmatch(r"(.*?[A-Za-z]\d+(?:\.\d+)??)\.(\d+)", base)
    if match is None:
        return
    stem, minor = match[1], int(match[2])
    if base.startswith("ubuntu"):
        yield from _older_ubuntu(stem, minor)
        return
    yield from (f"{stem}.{number}" for number in range(minor - 1, -1, -1))
    yield stem
    if stem.startswith("leap"):
        yield "sle" + stem.removeprefix("leap")


def _older_ubuntu(stem: str, minor: int) -> Iterator[str]:
    """Yield 24.04.2, 24.04.1 and 24.04 for ubuntu24.04.3, and no more."""
    if "." in stem:
        yield from (f"{stem}.{number}" for number in range(minor - 1, 0, -1))
        yield stem


def without_dots(path: PurePath) -> str:
    """Return a path without .. unless a link before it makes that another file."""
    plain = os.path.normpath(path)
    return plain if os.path.realpath(plain) == os.path.realpath(path) else str(path)


def rebase_includes(text: str, directory: PurePath) -> str:
    """Make relative includes absolute, so that a copy of the file elsewhere still works."""

    def absolute(match: re.Match[str]) -> str:
        path = match[1].strip()
        return match[0] if path.startswith(("/", "$")) else f"#INCLUDE:{without_dots(directory / path)}#"

    return INCLUDE.sub(absolute, text)
