"""Package managers behind one protocol: one folder each, and `open_manager` is the only place that knows them all.

Owns what differs from one package manager to another. Must not touch rootimgdirs, layers or the catalog.
"""

from __future__ import annotations

import importlib

from sbkernel.definitions.listpaths import platform
from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.package_manager import Family, PackageManager, Request
from sbkernel.images.families.places import is_container, split
from sbkernel.site import Site

_FOLDER = {
    "debian": "debian", "ubuntu": "debian",
    "rh": "rpm", "centos": "rpm", "alma": "rpm", "rocky": "rpm", "ol": "rpm", "SL": "rpm", "fedora": "rpm",
    "sles": "rpm",
}  # fmt: skip
"""Distribution, as xCAT names the directory of its lists: the folder here that installs its packages."""
EXAMPLES = (
    "debian12", "ubuntu24.04", "rhels9.4", "centos9", "alma9.4", "rocky9.4", "ol9.4", "fedora41", "sle15.6", "leap15.6",
)  # fmt: skip
"""One osvers of each distribution."""
CONTAINER_PROGRAMS = ("skopeo", "umoci")


def family_of(osvers: str) -> Family:
    """Return the package family of a distribution named as in xCAT (debian12, rhels9.4); BuildError for none."""
    try:
        folder = _FOLDER.get(platform(osvers), "")
    except DefinitionError:
        folder = ""
    if not folder:
        raise BuildError(f"not supported yet: {osvers or 'osvers unset'}", hint=f"supported: {', '.join(EXAMPLES)}")
    return _family(folder)


def open_manager(site: Site, request: Request) -> PackageManager:
    """Open the sources of an image: those of its family, on top of a container where pkgdir begins with one.

    Raises what Family.open raises.
    """
    family = family_of(request.osvers)
    if not _on_container(request):
        return family.open(site, request)
    manager: PackageManager = importlib.import_module(f"{__name__}.oci.manager").over_container(site, request, family)
    return manager


def programs_of(request: Request) -> tuple[str, ...]:
    """Return the programs that bring the packages of an image, and its container where it stands on one."""
    return (*family_of(request.osvers).programs, *(CONTAINER_PROGRAMS if _on_container(request) else ()))


def _on_container(request: Request) -> bool:
    return is_container(next(iter(split(request.attributes.get("pkgdir", ""))), ""))


def families() -> list[Family]:
    """Return all families."""
    return [_family(folder) for folder in sorted(set(_FOLDER.values()))]


def _family(folder: str) -> Family:
    family: Family = importlib.import_module(f"{__name__}.{folder}.family").FAMILY
    return family
