"""What a package manager in the image shall know of the build: modules that are on, why packages are there. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sbkernel.images.families.resolved import Resolved
from sbkernel.images.families.rpm.records import ASKED, row_of
from sbkernel.images.families.rpm.releases import RpmRelease

_DNF5 = "usr/lib/sysimage/libdnf5"
_WORDS = {"user": "User", "group": "Group", "dependency": "Dependency", "weak": "Weak Dependency"}


def files(release: RpmRelease, packages: Sequence[Resolved]) -> dict[str, str]:
    """Return the files that record the state of a tree, by path in it."""
    further = {"dnf4": modules, "dnf5": dnf5, "zypp": zypp}
    return further[release.records](packages)


def modules(packages: Iterable[Resolved]) -> dict[str, str]:
    """Return the files that turn on the streams of modules that packages belong to (dnf.modularity(7))."""
    streams = dict(filter(None, (row_of(one)["module"] for one in packages)))
    return {
        f"etc/dnf/modules.d/{name}.module": f"[{name}]\nname={name}\nstream={stream}\nprofiles=\nstate=enabled\n"
        for name, stream in sorted(streams.items())
    }


def dnf5(packages: Iterable[Resolved]) -> dict[str, str]:
    """Return the state of dnf 5 (dnf5-system-state(7)): why each package is there, and where it came from."""
    rows = [row_of(one) for one in packages]
    reasons = {f"{row['name']}.{row['arch']}": f'reason = "{_WORDS[row["reason"]]}"' for row in rows}
    origins = {_nevra(row["name"], row["version"], row["arch"]): _origin(row["repository"]) for row in rows}
    return {
        f"{_DNF5}/packages.toml": _table("packages", reasons),
        f"{_DNF5}/nevras.toml": _table("nevras", origins),
    }


def zypp(packages: Iterable[Resolved]) -> dict[str, str]:
    """Return the names of packages that nobody asked for, as libzypp keeps them."""
    names = sorted({one.name for one in packages if row_of(one)["reason"] not in ASKED})
    return {"var/lib/zypp/AutoInstalled": "".join(f"{name}\n" for name in ["# generated", *names])}


def _origin(repository: str) -> str:
    return f"from_repo = {json.dumps(repository)}"


def _nevra(name: str, version: str, arch: str) -> str:
    epoch, _, rest = version.rpartition(":")
    return f"{name}-{epoch or 0}:{rest}.{arch}"


def _table(title: str, entries: dict[str, str]) -> str:
    lines = [f"{json.dumps(name)} = {{{value}}}" for name, value in sorted(entries.items())]
    return "\n".join(['version = "1.0"', f"[{title}]", *lines]) + "\n"
