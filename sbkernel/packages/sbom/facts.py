"""What every bill of materials says of a manifest and its packages: identity, time, sums, package URLs (purl-spec)."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package
from sbkernel.packages.readers import reader_of
from sbkernel.packages.release import Release

if TYPE_CHECKING:
    from packageurl import PackageURL

_VENDORS = {
    "rhel": "redhat", "sles": "suse", "sled": "suse", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse",
}  # fmt: skip
"""Distributions, as os-release names them, whose packages have the name of the vendor in their URLs."""

_PART = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(rf"(?:https?|ftp)://[A-Za-z0-9.-]+(?::\d+)?(?:[/?]{_PART})?(?:\#{_PART})?", re.ASCII)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def identity(manifest: Manifest) -> uuid.UUID:
    """Return the identity of an SBOM: a UUID of the manifest's content (RFC 9562, version 5)."""
    digest = hashlib.sha256(manifest.to_json().encode()).hexdigest()
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{digest}")


def made(manifest: Manifest) -> datetime:
    """Return when what a manifest describes was made, in whole seconds."""
    return datetime.fromtimestamp(manifest.made, UTC)


def unique(manifest: Manifest) -> list[Package]:
    """Return the packages of a manifest, each name=version:arch once: identifiers in an SBOM are unique."""
    return list({str(package): package for package in manifest}.values())


def website(package: Package) -> str:
    """Return the homepage of a package if it is a URL that the schemas accept, else ""."""
    return package.homepage if _URL.fullmatch(package.homepage) else ""


def checksum(package: Package) -> str:
    """Return the sha256 of the package file in hex, "" if it is not known."""
    return package.sha256.lower() if _SHA256.fullmatch(package.sha256) else ""


def title(manifest: Manifest) -> str:
    """Return the name of what a manifest describes; an SBOM must have one."""
    return manifest.name or "packages"


def purl(package: Package, release: Release) -> PackageURL:
    """Return the package URL of a package of a distribution.

    `upstream` names the source package where that has another name or version: security advisories do, too.
    """
    from packageurl import PackageURL

    version, own = reader_of(package.family).url_parts(package)
    qualifiers = {"arch": package.arch, "distro": release.short, **own}
    given = {key: value for key, value in qualifiers.items() if value}
    vendor = _VENDORS.get(release.id, release.id)
    return PackageURL(package.family, vendor or None, package.name, version, given)
