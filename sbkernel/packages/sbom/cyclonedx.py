"""A manifest as CycloneDX 1.6 JSON, by the project's own library (cyclonedx.org/docs/1.6)."""

from __future__ import annotations

from collections.abc import Iterator

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from sbkernel import __version__
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package
from sbkernel.packages.sbom.facts import checksum, identity, made, purl, title, unique, website
from sbkernel.packages.sbom.licences import REF, spdx


def cyclonedx(manifest: Manifest) -> str:
    """Return a manifest as CycloneDX JSON."""
    root = _root(manifest)
    components = [_component(package, manifest) for package in unique(manifest)]
    dependencies = [Dependency(root.bom_ref, [Dependency(component.bom_ref) for component in components])]
    bom = Bom(
        components=components,
        serial_number=identity(manifest),
        metadata=BomMetaData(timestamp=made(manifest), component=root, tools=ToolRepository(components=[_tool()])),
        dependencies=dependencies,
    )
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _root(manifest: Manifest) -> Component:
    facts = {"kind": manifest.kind, "family": manifest.family, "distribution": manifest.release.short}
    return Component(
        name=title(manifest),
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref="image",
        version=manifest.digest,
        description=manifest.release.name or None,
        properties=_properties(facts),
    )


def _tool() -> Component:
    return Component(name="sbkernel", type=ComponentType.APPLICATION, version=__version__)


def _component(package: Package, manifest: Manifest) -> Component:
    url = purl(package, manifest.release)
    facts = {
        "arch": package.arch,
        "source": " ".join(filter(None, (package.source, package.source_version))),
        "section": package.section,
        "origin": package.origin,
        "size": str(package.size_bytes),
        "explicit": "" if package.explicit is None else str(package.explicit).lower(),
    }
    return Component(
        name=package.name,
        type=ComponentType.LIBRARY,
        bom_ref=str(package),
        version=package.version,
        description=package.summary or None,
        supplier=OrganizationalEntity(name=package.maintainer) if package.maintainer else None,
        licenses=list(_licences(package.licence)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if (sha256 := checksum(package)) else None,
        purl=url,
        external_references=_website(website(package)),
        properties=_properties(facts),
    )


def _licences(text: str) -> Iterator[DisjunctiveLicense | LicenseExpression]:
    expression = spdx(text).expression
    if not expression:
        return
    if " " in expression:
        yield LicenseExpression(expression)
    elif expression.startswith(REF):
        yield DisjunctiveLicense(name=text)
    else:
        yield DisjunctiveLicense(id=expression)


def _website(url: str) -> list[ExternalReference]:
    return [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(url))] if url else []


def _properties(facts: dict[str, str]) -> list[Property]:
    return [Property(name=f"sbkernel:{key}", value=value) for key, value in facts.items() if value]
