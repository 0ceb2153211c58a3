"""promote and rollback: which version of an image nodes boot."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.definitions.ranges.fold import fold
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import CANDIDATE, CURRENT, PREVIOUS
from sbkernel.images.catalog.reference import Reference, parse, short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.rollout.testboot.gate import let_through
from sbkernel.rollout.versions import references
from sbkernel.site import Site


@dataclass(frozen=True)
class Decision:
    """What nodes boot of an image now (`version`) and did before (digest, or ""), and which boot files lag behind."""

    version: ImageVersion
    before: str
    held: bool
    behind: tuple[str, ...]

    def __str__(self) -> str:
        """Return what was decided, and what is left to do."""
        image, now = self.version.image, short(self.version.digest)
        same = self.before == self.version.digest
        moved = f"stays at {now}" if same else f"is {now}" + (f", was {short(self.before)}" if self.before else "")
        lines = [f"{image}: current {moved}"]
        if self.held:
            lines.append(f"packimage moves only the candidate until: sb promote {image}")
        if self.behind:
            lines.append(f"boot files name another version: sb nodeset {fold(self.behind)} osimage={image}")
        return "\n".join(lines)


def promote(site: Site, image: str, *, untested: str = "") -> Decision:
    """Make the candidate of IMAGE, or the version that IMAGE@DIGEST names, the one that nodes boot.

    This ends what a rollback holds. Boot files change by nodeset only. NotFoundError when there is no such version;
    PolicyError for one without a good test boot, if the osimage has gate=testboot and `untested` gives no reason.
    """
    catalog, asked = Catalog(site), parse(image)
    version = catalog.find(asked if asked.version else Reference(asked.image, CANDIDATE))
    reason = let_through(site, version, untested)
    before = catalog.pointers(asked.image).current
    return _decision(site, catalog.promote(Reference(asked.image, version.digest), reason), before)


def rollback(site: Site, image: str) -> Decision:
    """Make the version before of IMAGE, or the one that IMAGE@DIGEST names, the one that nodes boot.

    It stays so until somebody promotes: packimage moves only the candidate. Boot files change by nodeset only.
    NotFoundError when there is no such version, or nothing to go back to. No gate keeps anybody from going back to what
    nodes have booted; PolicyError for a version that they have not, as promote raises it.
    """
    catalog, asked = Catalog(site), parse(image)
    version = catalog.find(asked if asked.version else Reference(asked.image, PREVIOUS))
    let_back(site, version)
    before = catalog.pointers(asked.image).current
    return _decision(site, catalog.rollback(Reference(asked.image, version.digest)), before)


def let_back(site: Site, version: ImageVersion) -> None:
    """Raise DefinitionError for a version that a gate keeps out and that nodes have not booted before."""
    history = Catalog(site).pointers(version.image).history
    if not any(CURRENT in move.pointers for move in history if move.digest == version.digest):
        let_through(site, version)


def _decision(site: Site, version: ImageVersion, before: str) -> Decision:
    held = Catalog(site).pointers(version.image).hold is not None
    return Decision(version, before, held, tuple(behind(site, version)))


def behind(site: Site, version: ImageVersion) -> list[str]:
    """Return the nodes that are not pinned and whose boot files name another version of its image."""
    others = {one.digest for one in Catalog(site).versions(version.image)} - {version.digest}
    boots, _ = references.of_boot_files(site)
    follow = set(site.nodes) - set(references.of_pins(site))
    return sorted(node for node, digests in boots.items() if node in follow and not others.isdisjoint(digests))
