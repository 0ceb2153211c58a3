"""The releases of Debian by the names that osvers and osarch have for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sbkernel.errors import BuildError

_CODENAMES = {"debian": {"11": "bullseye", "12": "bookworm", "13": "trixie"}}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "ppc64el": "ppc64el", "x86": "i386"}


@dataclass(frozen=True)
class DebianRelease:
    """A release as its package manager names it."""

    codename: str
    architecture: str


def release_of(osvers: str, osarch: str) -> DebianRelease:
    """Return the release that osvers and osarch mean: debian12 on x86_64 is bookworm, amd64.

    Raises BuildError for distributions that cannot be built.
    """
    match = re.fullmatch(r"([a-z]+)(\d+)(?:\.\d+)*", osvers)
    codename = _CODENAMES.get(match[1], {}).get(match[2]) if match else None
    if codename is None:
        supported = ", ".join(f"{name}{version}" for name, known in _CODENAMES.items() for version in known)
        raise BuildError(f"not supported yet: {osvers or 'osvers unset'}; supported: {supported}")
    if osarch not in _ARCHITECTURES:
        raise BuildError(f"not supported yet: {osarch or 'osarch unset'}; supported: {', '.join(_ARCHITECTURES)}")
    return DebianRelease(codename, _ARCHITECTURES[osarch])
