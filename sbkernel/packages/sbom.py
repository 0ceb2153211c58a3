"""Software bills of materials: CycloneDX 1.6 and SPDX 2.3 as JSON, the same bytes for the same manifest.

The time in them is that of the image, their identity the digest of its manifest.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime

from sbkernel.errors import DefinitionError
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package

CYCLONEDX, SPDX = "cyclonedx", "spdx"
FORMATS = (CYCLONEDX, SPDX)
_PART = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(rf"(?:https?|ftp)://[A-Za-z0-9.-]+(?::\d+)?(?:[/?]{_PART})?(?:\#{_PART})?", re.ASCII)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def sbom(manifest: Manifest, form: str = CYCLONEDX) -> str:
    """Return the SBOM of a manifest as JSON text; `form` is cyclonedx or spdx. DefinitionError for another."""
    if form == CYCLONEDX:
        from sbkernel.packages.cyclonedx import cyclonedx

        return cyclonedx(manifest)
    if form == SPDX:
        from sbkernel.packages.spdx import spdx

        return spdx(manifest)
    raise DefinitionError(f"no SBOM format {form!r}", hint=" or ".join(FORMATS))


def identity(manifest: Manifest) -> uuid.UUID:
    """Return the identity of an SBOM: a UUID of the manifest's content (RFC 9562, version 5)."""
    digest = hashlib.sha256(manifest.to_json().encode()).hexdigest()
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{digest}")


def made(manifest: Manifest) -> datetime:
    """Return the time of what a manifest is of, in whole seconds."""
    return datetime.fromtimestamp(manifest.made, UTC)


def unique(manifest: Manifest) -> list[Package]:
    """Return the packages of a manifest, each name=version:arch once, as identifiers in an SBOM must be."""
    return list({str(package): package for package in manifest}.values())


def website(package: Package) -> str:
    """Return the homepage of a package if it is a URL that the schemas take, else ""."""
    return package.homepage if _URL.fullmatch(package.homepage) else ""


def checksum(package: Package) -> str:
    """Return the sha256 of the package file in hex, "" if it is not known."""
    return package.sha256.lower() if _SHA256.fullmatch(package.sha256) else ""


def title(manifest: Manifest) -> str:
    """Return the name of what a manifest is of; every SBOM has one."""
    return manifest.name or "packages"
