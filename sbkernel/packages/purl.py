"""Package URLs of installed packages (purl-spec: types deb and rpm)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbkernel.packages.manifest import Release
from sbkernel.packages.package import RPM, Package

if TYPE_CHECKING:
    from packageurl import PackageURL


def purl(package: Package, release: Release) -> PackageURL:
    """Return the package URL of a package of a distribution; of rpm's, the epoch is a qualifier.

    `upstream` names the source package where that has another name or version: security advisories do, too.
    """
    from packageurl import PackageURL

    version, qualifiers = package.version, {"arch": package.arch, "distro": release.short}
    if package.family == RPM:
        qualifiers["epoch"], _, version = version.rpartition(":")
    if package.source and (package.source, package.source_version) != (package.name, version):
        same = package.source_version in ("", version)
        qualifiers["upstream"] = package.source if same else f"{package.source}@{package.source_version}"
    given = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(package.family, release.id or None, package.name, version, given)
