"""The repositories of an image as files that a package manager on a node reads (dnf.conf(5))."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sbkernel.images.families.rpm.releases import Records
from sbkernel.images.families.rpm.repository import Repository

FILES: Mapping[Records, str] = {
    "dnf4": "etc/yum.repos.d/image.repo",
    "dnf5": "etc/yum.repos.d/image.repo",
    "zypp": "etc/zypp/repos.d/image.repo",
}
_KEYS = "etc/pki/rpm-gpg"


def laid(repositories: Iterable[Repository], records: Records) -> dict[str, bytes]:
    """Return the repositories that nodes can reach, and the keys of their packages, by path in the tree."""
    usable = [one for one in repositories if one.for_nodes]
    keys = {place: key.read_bytes() for one in usable for place, key in _keys(one)}
    return {FILES[records]: "\n".join(map(_section, usable)).encode(), **keys}


def _section(one: Repository) -> str:
    lines = [f"[{one.name}]", f"name={one.name}", f"baseurl={one.url}", "enabled=1", f"gpgcheck={int(one.check)}"]
    if one.check:
        lines.append("gpgkey=" + " ".join(f"file:///{place}" for place, _ in _keys(one)))
    return "".join(f"{line}\n" for line in lines)


def _keys(one: Repository) -> Sequence[tuple[str, Path]]:
    """Return where each key of a repository lies in the tree, and where it lies here."""
    return [(f"{_KEYS}/image-{one.name}-{number}", key) for number, key in enumerate(one.keys, start=1) if one.check]
