"""What an osimage asks for, checked before anything is done: every list file, script, source and path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.refusals import refuse
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.families import family_of, open_manager
from sbkernel.images.families.package_manager import PackageManager, Request
from sbkernel.images.initrd.rootkinds import root_kinds
from sbkernel.images.sync.sources import key_of
from sbkernel.images.tree.postinstall import Script, scripts_of
from sbkernel.images.tree.timezone import check_timezone
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.lists.diagnostic import as_warnings
from sbkernel.lists.document import ListLine
from sbkernel.lists.text import paths_of, variables
from sbkernel.site import Site


class Described(Protocol):
    """An osimage as far as its kernel, its initrd, its network and its fstab depend on it: by its attributes."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the osimage."""

    @property
    def osvers(self) -> str:
        """Return the distribution and its version, such as debian12."""
        return self.attributes.get("osvers", "")

    @property
    def osarch(self) -> str:
        """Return the architecture, such as x86_64."""
        return self.attributes.get("osarch", "")

    @property
    def profile(self) -> str:
        """Return the role."""
        return self.attributes.get("profile", "")

    @property
    def kernelver(self) -> str:
        """Return the kernel version asked for, or an empty string for the newest."""
        return self.attributes.get("kernelver", "")

    @property
    def drivers(self) -> tuple[str, ...]:
        """Return the drivers asked for; none means the default list."""
        return tuple(self.attributes.get("netdrivers", "").replace(",", " ").split())

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Return the network interfaces that use DHCP beside those with usual names."""
        named = ",".join(self.attributes.get(name, "") for name in ("nodebootif", "otherifce"))
        return tuple(dict.fromkeys(named.replace(",", " ").split()))


@dataclass(frozen=True)
class ImageSpec(Described):
    """An osimage, read and checked; its package manager is open."""

    image: str
    request: Request
    manager: PackageManager
    rootimgdir: Path
    postinstall: tuple[Script, ...]
    timezone: str = ""
    key: Callable[[], bytes] = field(default=bytes, compare=False, repr=False)
    """Returns the key of digests of what may be secret."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the osimage."""
        return self.request.attributes

    @property
    def packages(self) -> Sequence[str]:
        """Return the names of all packages asked for."""
        return self.manager.asked

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a build should log about the lists."""
        remarks = as_warnings(family_of(self.osvers).remarks(self.request))
        return tuple(dict.fromkeys((*self.request.pkglist.warnings, *self.request.otherpkglist.warnings, *remarks)))

    def listed(self, name: str) -> ListLine | None:
        """Return the line of the lists that asks for a package."""
        found = self.request.pkglist.listed(name) or otherpkglist.listed(self.request.otherpkglist, name)
        return found.line if found else None


def read_spec(site: Site, image: str, attributes: Mapping[str, str] | None = None, **overrides: str) -> ImageSpec:
    """Read an osimage, or take its `attributes`, with some of them replaced, and check all that it points to.

    What genimage does not do is refused, as the attribute table says. Raises NotFoundError, DefinitionError and
    ListFileError in xCAT's words where it has words for it.
    """
    read = attributes_of(site, image) if attributes is None else dict(attributes)
    attributes = read | {key: value for key, value in overrides.items() if value}
    if attributes.get("provmethod") != "netboot":
        raise DefinitionError(
            f"'{image}' cannot be used to build diskless image. Make sure osimage.provmethod is 'netboot'."
        )
    if not attributes.get("pkglist"):
        raise DefinitionError(f"A .pkglist file must be specified for image '{image}' in the linuximage table.")
    refuse(Definition.of("osimage", image, attributes), "genimage")
    root_kinds(attributes)
    timezone = check_timezone(site.attribute("timezone"))
    family_of(attributes.get("osvers", ""))
    request = Request(
        attributes,
        pkglist.load(paths_of(attributes["pkglist"])),
        otherpkglist.load(paths_of(attributes.get("otherpkglist", ""))),
    )
    place = rootimgdir.checked(site, image, attributes)
    scripts = scripts_of(attributes.get("postinstall", ""))
    variables(attributes.get("environvar", ""))
    manager = open_manager(site, request)
    return ImageSpec(image, request, manager, place, scripts, timezone, lambda: key_of(site.ssh_key))


def attributes_of(site: Site, image: str) -> dict[str, str]:
    """Return the attributes of an osimage; NotFoundError in xCAT's words."""
    try:
        return dict(site.osimages[image].attributes)
    except NotFoundError as error:
        raise NotFoundError(f"Cannot find image '{image}' from the osimage table.", hint=error.hint) from None
