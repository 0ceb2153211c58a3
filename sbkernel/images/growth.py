"""How an image grew: one stage for each version that the catalog has of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.manifests import of_version
from sbkernel.packages.diff.attention import Attention, of_site
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.manifest import Manifest
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stage:
    """A version, what is in it, and how that differs from the stage before; None for the first."""

    version: ImageVersion
    manifest: Manifest
    diff: Diff | None

    @property
    def packed_bytes(self) -> int:
        """Return the size of the packed root, with all its layers: what a node downloads."""
        return self.version.roots_size

    @property
    def installed_bytes(self) -> int:
        """Return what its packages take on disk."""
        return self.manifest.size_bytes


@dataclass(frozen=True)
class Growth:
    """The stages of an image, oldest first."""

    image: str
    stages: tuple[Stage, ...]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a stage: digest, published, packages, installed and packed bytes, and what changed."""
        import pandas as pd

        columns = ["digest", "published", "packages", "installed", "packed", "changes"]
        rows = [
            (
                one.version.digest, pd.Timestamp(one.version.created, unit="s", tz="UTC"), len(one.manifest),
                one.installed_bytes, one.packed_bytes, len(one.diff) if one.diff else 0,
            )
            for one in self.stages
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def growth(site: Site, image: str, last: int = 24) -> Growth:
    """Return the newest `last` versions of an image. NotFoundError if it was never packed.

    A version that was published again is one stage, where it was first; one that the catalog has no more is left out.
    """
    catalog = Catalog(site)
    digests = list(dict.fromkeys(move.digest for move in catalog.pointers(image).history))
    if not digests:
        raise NotFoundError(f"No packed image for {image}", hint=f"sb packimage {image}")
    return Growth(image, tuple(_stages(catalog, digests[-last:], of_site(site))))


def _stages(catalog: Catalog, digests: list[str], attention: Attention) -> Iterator[Stage]:
    before: Manifest | None = None
    for digest in digests:
        try:
            version = catalog.get(digest)
        except NotFoundError:
            continue
        manifest = of_version(version)
        compared = None if before is None or before.family != manifest.family else diff(before, manifest, attention)
        yield Stage(version, manifest, compared)
        before = manifest
