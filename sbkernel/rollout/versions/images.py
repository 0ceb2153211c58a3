"""images: the packed images of a site, their versions, and the nodes that boot them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import PUBLISH
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.rollout.testboot.verdicts import verdict_of
from sbkernel.rollout.versions import references
from sbkernel.rollout.versions.listed import Images, ListedImage, ListedVersion, Versions
from sbkernel.site import Site


def images(site: Site) -> Images:
    """Return all packed images with their pointers, and the nodes whose boot files name them."""
    catalog = Catalog(site)
    listed = _listed(site, catalog.versions())
    names = sorted({row.version.image for row in listed})
    return Images(
        tuple(
            ListedImage(catalog.pointers(name), tuple(row for row in listed if row.version.image == name))
            for name in names
        )
    )


def versions(site: Site, image: str) -> Versions:
    """Return the versions of an image, with the nodes that boot them and those that reported them at their last boot.

    Raises NotFoundError when it was never packed.
    """
    catalog = Catalog(site)
    found = catalog.versions(image)
    if not found:
        names = ", ".join(catalog.images())
        raise NotFoundError(
            f"No packed image for {image}", hint=f"there are: {names}" if names else f"sb packimage {image}"
        )
    known = keys.known(site)
    rows = (replace(row, signed=signatures.told(row.version, known)) for row in _listed(site, found))
    return Versions(catalog.pointers(image), tuple(rows))


def _listed(site: Site, found: Sequence[ImageVersion]) -> list[ListedVersion]:
    catalog = Catalog(site)
    pointers = {image: catalog.pointers(image) for image in {version.image for version in found}}
    sources = (references.of_boot_files(site)[0], references.of_pins(site), references.of_reports(site))
    by_digest = [references.by_digest(source) for source in sources]

    def row(version: ImageVersion) -> ListedVersion:
        of_image, digest = pointers[version.image], version.digest
        packed, last = of_image.last(digest, PUBLISH), of_image.last(digest)
        by, host = (packed.by, packed.host) if packed else (version.data["by"], version.data["host"])
        boots, pinned, reported = (tuple(sorted(names.get(digest, ()))) for names in by_digest)
        return ListedVersion(
            version, packed.t if packed else version.created, f"{by}@{host}", last.action if last else PUBLISH,
            tuple(of_image.of(digest)), boots, pinned, reported, verdict=verdict_of(site, digest),
        )  # fmt: skip

    return list(map(row, found))
