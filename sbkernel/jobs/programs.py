"""Which versions of programs this host has, as its own package manager says: asking the programs takes up to a second.

dpkg-query(1), rpm(8).
"""

from __future__ import annotations

from collections.abc import Iterable

from sbkernel.errors import SbkernelError, ToolMissingError
from sbkernel.jobs.command import PACKAGES, find_program
from sbkernel.jobs.run import run

_OURS = ("/usr/local/", "/home/", "/opt/", "/root/")
"""Where programs lie that did not come as packages of the distribution."""
_TIMEOUT_S = 20.0


def versions(programs: Iterable[str]) -> dict[str, str]:
    """Return the version of each program by its name.

    Of one that no package brought it is the path, as that is all that can be told of it; one that is not there is left
    out.
    """
    paths = {name: path for name in programs if (path := _path(name))}
    known = _of_dpkg(paths) | {name: path for name, path in paths.items() if path.startswith(_OURS)}
    unknown = {name: path for name, path in paths.items() if name not in known}
    return dict(sorted({**unknown, **_of_rpm(unknown), **known}.items()))


def _path(program: str) -> str:
    try:
        return find_program(program)
    except ToolMissingError:
        return ""


def _of_dpkg(programs: Iterable[str]) -> dict[str, str]:
    """Return versions by what packages are called, which for nearly all of our programs is known."""
    packages = {name: PACKAGES.get(name, name) for name in programs}
    if not packages:
        return {}
    lines = _lines("dpkg-query", "--show", "--showformat=${Package}\t${Version}\n", *packages.values())
    found = dict(line.split("\t", 1) for line in lines if "\t" in line)
    return {name: version for name, package in packages.items() if (version := found.get(package))}


def _of_rpm(paths: dict[str, str]) -> dict[str, str]:
    asked = ("rpm", "--query", "--queryformat", "%{VERSION}-%{RELEASE}\n", "--file")
    found = {name: _lines(*asked, path) for name, path in paths.items()}
    return {name: lines[0] for name, lines in found.items() if len(lines) == 1 and " " not in lines[0]}


def _lines(*argv: str) -> list[str]:
    """Return what a program said; nothing where it is not there or fails: a host has one package manager."""
    try:
        return run(argv, check=False, timeout_s=_TIMEOUT_S).stdout.splitlines()
    except SbkernelError:
        return []
