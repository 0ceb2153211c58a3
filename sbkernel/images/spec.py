"""What an osimage asks for, checked before anything is done: every list file, script, source and path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images import apt, apt_sources, rootimgdir
from sbkernel.images.apt_sources import Source
from sbkernel.images.mmdebstrap import PackagePass
from sbkernel.images.platforms import Release, release_of
from sbkernel.lists import pkglist
from sbkernel.lists.document import Line
from sbkernel.lists.lint import DEBIAN_PACKAGE
from sbkernel.lists.text import paths_of, refusal
from sbkernel.site import Site


@dataclass(frozen=True)
class ImageSpec:
    """An osimage, read and checked."""

    image: str
    attributes: Mapping[str, str]
    release: Release
    rootimgdir: Path
    sources: tuple[Source, ...]
    passes: tuple[PackagePass, ...]
    postinstall: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()

    @property
    def osvers(self) -> str:
        """Return the distribution and its version, such as debian12."""
        return self.attributes["osvers"]

    @property
    def osarch(self) -> str:
        """Return the architecture, such as x86_64."""
        return self.attributes["osarch"]

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
    def packages(self) -> list[str]:
        """Return the names of all packages asked for."""
        return list(dict.fromkeys(name for one in self.passes for name in one.packages))

    def listed(self, name: str) -> Line | None:
        """Return the line of the pkglist that asks for a package."""
        found = pkglist.read(paths_of(self.attributes["pkglist"])).listed(name)
        return found.line if found else None


def read_spec(site: Site, image: str, **overrides: str) -> ImageSpec:
    """Read an osimage with some attributes replaced, and check all that it points to.

    Raises NotFoundError, DefinitionError and ListFileError in xCAT's words where it has words for it.
    """
    attributes = _attributes(site, image) | {key: value for key, value in overrides.items() if value}
    release = release_of(attributes.get("osvers", ""), attributes.get("osarch", ""))
    asked = pkglist.load(paths_of(attributes["pkglist"]))
    return ImageSpec(
        image=image,
        attributes=attributes,
        release=release,
        rootimgdir=rootimgdir.checked(site, image, attributes),
        sources=_sources(attributes.get("pkgdir", ""), release),
        passes=_passes(asked, attributes.get("kernelver", "")),
        postinstall=_postinstall(attributes.get("postinstall", "")),
        warnings=asked.warnings,
    )


def _attributes(site: Site, image: str) -> dict[str, str]:
    try:
        attributes = dict(site.osimages[image].attributes)
    except NotFoundError as error:
        raise NotFoundError(f"Cannot find image '{image}' from the osimage table.", hint=error.hint) from None
    if attributes.get("provmethod") != "netboot":
        raise DefinitionError(
            f"'{image}' cannot be used to build diskless image. Make sure osimage.provmethod is 'netboot'."
        )
    if not attributes.get("pkglist"):
        raise DefinitionError(f"A .pkglist file must be specified for image '{image}' in the linuximage table.")
    if attributes.get("otherpkglist"):
        raise DefinitionError(
            f"image '{image}': otherpkglist is not supported yet",
            hint="name those packages in the pkglist, and their repository in pkgdir",
        )
    return attributes


def _sources(pkgdir: str, release: Release) -> tuple[Source, ...]:
    if pkgdir:
        sources = apt_sources.from_pkgdir(pkgdir)
    else:
        sources = apt_sources.for_release(apt.host_sources(), release.codename, release.architecture)
    return tuple(apt_sources.by_copy(source) for source in sources)


def _passes(asked: pkglist.Pkglist, kernelver: str) -> tuple[PackagePass, ...]:
    for name in asked.packages:
        if not DEBIAN_PACKAGE.fullmatch(name):
            problem = f"'{name}' is not a package name of Debian"
            found = asked.listed(name)
            raise found.line.error(problem) if found else DefinitionError(problem)
    loaded = (PackagePass(one.packages, tuple(sorted(one.env.items()))) for one in asked.passes)
    return tuple(with_kernel(one, kernelver) for one in loaded if one.packages)


def with_kernel(one: PackagePass, kernelver: str) -> PackagePass:
    """Return a pass with its kernel packages replaced by those of a fixed version, as xCAT does for Debian's family."""
    if not kernelver:
        return one
    names = dict.fromkeys(_fixed(name, kernelver) for name in one.packages)
    return PackagePass(tuple(names), one.env)


def _fixed(name: str, kernelver: str) -> str:
    prefix = next((p for p in ("linux-image-", "linux-headers-") if name.startswith(p)), None)
    return f"{prefix}{kernelver}" if prefix else name


def _postinstall(attribute: str) -> tuple[tuple[str, ...], ...]:
    """Split a comma list of `script argument…` (xCAT's genimage for the EL family)."""
    scripts = tuple(tuple(element.split()) for element in attribute.split(",") if element.split())
    for script, *_ in scripts:
        if error := refusal(Path(script), "postinstall"):
            raise DefinitionError(error.message, hint=error.hint)
        if not os.access(script, os.X_OK):
            raise DefinitionError(f"postinstall script {script} is not executable", hint=f"chmod +x {script}")
    return scripts
