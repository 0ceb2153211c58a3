"""A manifest as SPDX 2.3 JSON, by the project's own library (spdx.github.io/spdx-spec/v2.3)."""

from __future__ import annotations

import json
import re
from typing import Any

from license_expression import get_spdx_licensing
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.model import Package as SpdxPackage

from sbkernel import __version__
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package
from sbkernel.packages.sbom.facts import checksum, identity, made, purl, title, unique, website
from sbkernel.packages.sbom.licences import spdx as as_spdx

DOCUMENT, ROOT = "SPDXRef-DOCUMENT", "SPDXRef-image"
_MAIL = re.compile(r"(.*\S)\s*<([^<>]+)>\s*")
_LICENSING = get_spdx_licensing()


def spdx(manifest: Manifest) -> str:
    """Return a manifest as SPDX JSON."""
    packages = [_package(package, manifest) for package in unique(manifest)]
    document = Document(
        _creation(manifest),
        packages=[_root(manifest), *packages],
        relationships=_relationships(packages),
        extracted_licensing_info=_extracted(manifest),
    )
    converted = DocumentConverter().convert(document)  # type: ignore[no-untyped-call]
    for package in converted["packages"]:
        for reference in package.get("externalRefs", ()):
            # The library writes the name of its own enumeration; the schema of 2.3 has hyphens.
            reference["referenceCategory"] = reference["referenceCategory"].replace("_", "-")
    return json.dumps(converted, indent=1) + "\n"


def _creation(manifest: Manifest) -> CreationInfo:
    return CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=DOCUMENT,
        name=title(manifest),
        document_namespace=f"urn:uuid:{identity(manifest)}",
        creators=[Actor(ActorType.TOOL, f"sbkernel-{__version__}")],
        created=made(manifest).replace(tzinfo=None),
    )


def _root(manifest: Manifest) -> SpdxPackage:
    return SpdxPackage(
        spdx_id=ROOT,
        name=title(manifest),
        download_location=SpdxNoAssertion(),
        version=manifest.digest,
        files_analyzed=False,
        summary=manifest.release.name or None,
        primary_package_purpose=PackagePurpose.OPERATING_SYSTEM,
    )


def _package(package: Package, manifest: Manifest) -> SpdxPackage:
    return SpdxPackage(
        spdx_id=_id(package),
        name=package.name,
        download_location=SpdxNoAssertion(),
        version=package.version,
        supplier=_actor(package.maintainer),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, sha256)] if (sha256 := checksum(package)) else [],
        homepage=website(package) or None,
        source_info=f"built from {package.source} {package.source_version}".rstrip() if package.source else None,
        license_concluded=SpdxNoAssertion(),
        license_declared=_licence(package.licence),
        copyright_text=SpdxNoAssertion(),
        summary=package.summary or None,
        comment=f"from {package.origin}" if package.origin else None,
        external_references=[_purl(package, manifest)],
    )


def _id(package: Package) -> str:
    """Return the identifier of a package; characters that are not allowed in it are written as their code."""
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", lambda match: f"-{ord(match[0]):x}-", str(package))


def _purl(package: Package, manifest: Manifest) -> ExternalPackageRef:
    return ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", str(purl(package, manifest.release)))


def _actor(text: str) -> Actor | SpdxNoAssertion:
    """Return a maintainer as SPDX writes one; nothing tells whether it is a person, so it is an organization.

    Round brackets in a name become square: in SPDX they hold the mail address.
    """
    plain = text.strip().replace("(", "[").replace(")", "]")
    if not plain:
        return SpdxNoAssertion()
    match = _MAIL.fullmatch(plain)
    return Actor(ActorType.ORGANIZATION, *match.groups()) if match else Actor(ActorType.ORGANIZATION, plain)


def _licence(text: str) -> Any:
    expression = as_spdx(text).expression
    return _LICENSING.parse(expression) if expression else SpdxNoAssertion()


def _extracted(manifest: Manifest) -> list[ExtractedLicensingInfo]:
    refs = dict(ref for package in manifest for ref in as_spdx(package.licence).refs)
    return [
        ExtractedLicensingInfo(license_id=ref, extracted_text=name, license_name=name)
        for ref, name in sorted(refs.items())
    ]


def _relationships(packages: list[SpdxPackage]) -> list[Relationship]:
    contains = [Relationship(ROOT, RelationshipType.CONTAINS, package.spdx_id) for package in packages]
    return [Relationship(DOCUMENT, RelationshipType.DESCRIBES, ROOT), *contains]
