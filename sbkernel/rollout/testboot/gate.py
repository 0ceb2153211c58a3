"""The gate of an image: which of its versions may become the one that nodes boot."""

from __future__ import annotations

from sbkernel.errors import DefinitionError, PolicyError
from sbkernel.images.catalog.gates import gate_of
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.rollout.testboot.verdicts import verdict_of
from sbkernel.site import Site


def let_through(site: Site, version: ImageVersion, untested: str = "") -> str:
    """Return the reason to be kept with a promotion of a version, "" for one that needs none.

    Raises PolicyError for one that has no good test boot while the image has gate=testboot, unless `untested` says why
    it is taken all the same; DefinitionError for a reason that is no line of text.
    """
    reason = untested.strip()
    if not reason.isprintable() or (untested and not reason):
        raise DefinitionError("the reason for an untested version is one line of text")
    verdict = verdict_of(site, version.digest)
    if reason or gate_of(site, version.image) == "" or (verdict is not None and verdict.passed):
        return reason
    name = str(Reference(version.image, short(version.digest)))
    told = f"its test boot: {verdict.mark}" if verdict else "it was not test booted yet"
    raise PolicyError(
        f"{version.image} has gate=testboot, and {name} may not become current: {told}",
        hint=f'sb testboot {name} --promote, or sb promote {name} --untested "REASON"',
    )
