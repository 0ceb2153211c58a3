"""Whether an osimage is one of the distribution and machine that a node runs, by os-release(5) and uname(1). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sbkernel.errors import BuildError
from sbkernel.packages.release import Release

# ID of os-release: how xCAT begins osvers.
_NAMES = {
    "debian": "debian", "ubuntu": "ubuntu", "rhel": "rhels", "rocky": "rocky", "almalinux": "alma", "centos": "centos",
    "ol": "ol", "scientific": "SL", "fedora": "fedora", "sles": "sle", "sled": "sle", "sle_hpc": "sle",
    "opensuse-leap": "leap",
}  # fmt: skip
_SAME = {"sles": "sle", "rhel": "rhels", "rhelc": "rhels", "centos-stream": "centos"}
_MACHINES = {"i386": "x86", "i486": "x86", "i586": "x86", "i686": "x86", "ppc64el": "ppc64le"}
# What follows the version is the site's own word, as in the names of list files.
_OSVERS = re.compile(r"(?P<name>\D+?)(?P<version>\d+(?:\.\d+)*)(?:-.+)?")


def osvers_of(release: Release, what: str = "the node") -> str:
    """Return the osvers of what a node runs, such as rocky9.4. BuildError for a distribution that is not known."""
    name = _NAMES.get(release.id)
    if name is None:
        raise BuildError(
            f"{what} runs {release.name or release.id or 'what has no os-release'}: no image can be made of that",
            hint=f"what its os-release may say: {' '.join(_NAMES)}",
        )
    return f"{name}{release.version}"


def osarch_of(machine: str) -> str:
    """Return the osarch of a machine as uname(1) names it."""
    return _MACHINES.get(machine, machine)


def check(image: str, attributes: Mapping[str, str], release: Release, machine: str) -> None:
    """Raise BuildError in xCAT's words unless osvers and osarch of an osimage are those of a node.

    A shorter version is met by all that begin so: debian12 by 12, and rocky9 by 9.4.
    """
    runs = osvers_of(release), osarch_of(machine)
    wants = attributes.get("osvers", ""), attributes.get("osarch", "")
    if not is_same(wants[0], runs[0]) or osarch_of(wants[1]) != runs[1]:
        raise BuildError(
            f"The 'osvers' or 'osarch' attribute of the \"{image}\" table doesn't match the node's attribute",
            hint=f"the node runs {' on '.join(runs)}, and {image} is {' on '.join(wants)}: name another image",
        )


def is_same(wanted: str, runs: str) -> bool:
    """Tell whether two osvers mean one release, as far as both say."""
    (name, numbers), (its_name, its_numbers) = _parts(wanted), _parts(runs)
    common = min(len(numbers), len(its_numbers))
    return name == its_name and numbers[:common] == its_numbers[:common]


def _parts(osvers: str) -> tuple[str, list[str]]:
    match = _OSVERS.fullmatch(osvers)
    if match is None:
        return osvers, []
    name = match["name"]
    return _SAME.get(name, name), match["version"].split(".")
