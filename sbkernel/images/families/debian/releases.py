"""The releases of Debian and Ubuntu by the names that osvers and osarch have for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sbkernel.errors import BuildError

_CODENAMES = {
    "debian": {"11": "bullseye", "12": "bookworm", "13": "trixie"},
    "ubuntu": {"20.04": "focal", "22.04": "jammy", "24.04": "noble"},
}
_VERSION = {"debian": re.compile(r"(\d+)(?:\.\d+)*"), "ubuntu": re.compile(r"(\d+\.\d+)(?:\.\d+)*")}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "ppc64el": "ppc64el", "x86": "i386"}
"""What Debian calls the architectures of nodes."""
_UNMERGED = frozenset({"bullseye", "focal", "jammy"})


@dataclass(frozen=True)
class DebianRelease:
    """A release as its package manager names it; `components` are those that its mirrors have installed by default."""

    codename: str
    architecture: str
    distribution: str = "debian"
    osarch: str = "x86_64"

    @property
    def components(self) -> tuple[str, ...]:
        """Return the components of a source that names none."""
        return ("main", "universe") if self.distribution == "ubuntu" else ("main",)

    @property
    def unmerged(self) -> bool:
        """Tell whether its packages leave it to the installer that /bin and its like are links into /usr."""
        return self.codename in _UNMERGED


def release_of(osvers: str, osarch: str) -> DebianRelease:
    """Return the release that osvers and osarch mean: debian12 on x86_64 is bookworm, amd64; ubuntu24.04.1 is noble.

    Raises BuildError for distributions that cannot be built.
    """
    distribution = osvers.rstrip("0123456789.")
    match = _VERSION[distribution].fullmatch(osvers.removeprefix(distribution)) if distribution in _VERSION else None
    codename = _CODENAMES[distribution].get(match[1]) if match else None
    if codename is None:
        supported = ", ".join(f"{name}{version}" for name, known in _CODENAMES.items() for version in known)
        raise BuildError(f"not supported yet: {osvers or 'osvers unset'}; supported: {supported}")
    if osarch not in ARCHITECTURES:
        raise BuildError(f"not supported yet: {osarch or 'osarch unset'}; supported: {', '.join(ARCHITECTURES)}")
    return DebianRelease(codename, ARCHITECTURES[osarch], distribution, osarch)
