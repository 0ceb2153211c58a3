"""A package list as a manifest: names, some with a version or an architecture, nothing else is known. Pure."""

from __future__ import annotations

from sbkernel.lists.pkglist import Pkglist
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package


def of_pkglist(listed: Pkglist, name: str = "pkglist") -> Manifest:
    """Return what a list asks for, without family, sizes and what would come along."""
    return manifest({_package(one) for one in listed.packages}, name=name, kind="pkglist", warnings=listed.warnings)


def _package(text: str) -> Package:
    """Return the package of an entry: NAME[:ARCH][=VERSION], behind the directory that an otherpkglist gives."""
    name, _, version = text.partition("=")
    bare, _, arch = name.rpartition("/")[2].partition(":")
    return Package(bare, version, arch, family="", explicit=True)
