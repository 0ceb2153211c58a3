"""What promoting, going back, undoing and pinning would change, said before it is done: a value, then `apply`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import CURRENT, PROMOTE, ROLLBACK, Pointers
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.testboot.gate import let_through
from sbkernel.rollout.versions.promote import behind, let_back, promote, rollback
from sbkernel.site import Site

_NAMED = 8


@dataclass(frozen=True)
class Moving:
    """A change that nobody has made yet: of which version, what it will do in words, from which pointers.

    `untested` is the reason for taking a version that the gate of its image would keep out.
    """

    action: str
    reference: str
    will: tuple[str, ...]
    before: Pointers
    nodes: str = ""
    untested: str = ""

    def apply(self, site: Site) -> str:
        """Do it and return what was done. Raises DefinitionError when somebody else has moved a pointer meanwhile."""
        if Catalog(site).pointers(self.before.image) != self.before:
            raise DefinitionError(
                f"somebody else has moved a pointer of {self.before.image} meanwhile", hint="look at the plan again"
            )
        return _APPLY[self.action](site, self)

    def __str__(self) -> str:
        return "\n".join(self.will)


def promoting(site: Site, image: str, digest: str, *, untested: str = "") -> Moving:
    """Return what `promote IMAGE@DIGEST` would change, `untested` for a reason.

    NotFoundError, PolicyError when a gate is closed, DefinitionError for a reason that is no line of text.
    """
    return _pointing(site, PROMOTE, image, digest, untested)


def going_back(site: Site, image: str, digest: str = "") -> Moving:
    """Return what `rollback IMAGE@DIGEST` would change, without a digest to the version before. NotFoundError."""
    return _pointing(site, ROLLBACK, image, digest or Catalog(site).find(Reference(image, "previous")).digest)


def undoing(site: Site, image: str) -> Moving:
    """Return what undoes the last move of `current`: the other way to where it was. NotFoundError if there is none."""
    pointers = Catalog(site).pointers(image)
    moves = [move for move in pointers.history if CURRENT in move.pointers]
    if len(moves) < 2:
        raise NotFoundError(f"current of {image} has not moved yet: there is nothing to undo")
    last, before = moves[-1], moves[-2]
    made = _pointing(site, PROMOTE if last.action == ROLLBACK else ROLLBACK, image, before.digest)
    undone = f"undoes the {last.action} of {short(last.digest)} by {last.by}@{last.host}"
    return Moving(made.action, made.reference, (undone, *made.will), made.before)


def pinning(site: Site, image: str, digest: str, nodes: str) -> Moving:
    """Return what `nodeset NODES osimage=IMAGE@DIGEST` would change: which nodes, and which cannot be set."""
    if not nodes.strip():
        raise NotFoundError("no nodes are named", hint="a noderange, such as n1-n20 or a group")
    reference = str(Reference(image, short(digest)))
    result = nodeset(site, nodes, f"osimage={reference}", dry_run=True)
    will = [f"{len(result)} nodes boot {reference} from their next boot on, and stay with it: {fold(result)}"]
    will += [f"not {error}" for error in [*result.errors.values()][:_NAMED]]
    will += [f"and {more} more that cannot be set"] if (more := len(result.errors) - _NAMED) > 0 else []
    if not result:
        will[0] = "nothing changes: none of these nodes can be set"
    return Moving("pin", reference, tuple(will), Catalog(site).pointers(image), nodes)


def _pointing(site: Site, action: str, image: str, digest: str, untested: str = "") -> Moving:
    catalog = Catalog(site)
    pointers, version = catalog.pointers(image), catalog.find(Reference(image, digest))
    now = short(pointers.current) or "nothing"
    reason = ""
    if action == PROMOTE:
        reason = let_through(site, version, untested)
    else:
        let_back(site, version)
    same = version.digest == pointers.current
    will = [f"current of {image} stays at {now}" if same else f"current of {image}: {now} → {short(version.digest)}"]
    if reason:
        will.append(f"without a good test boot; the reason is kept: {reason}")
    if action == ROLLBACK:
        will.append(f"packimage then moves only the candidate, until: sb promote {image}")
    elif pointers.hold:
        will.append(f"ends what {pointers.hold.by}@{pointers.hold.host} went back to: packimage moves current again")
    if late := behind(site, version):
        will.append(
            f"boot files of {len(late)} nodes name another version until: sb nodeset {fold(late)} osimage={image}"
        )
    will.append("no node restarts")
    return Moving(action, str(Reference(image, short(version.digest))), tuple(will), pointers, untested=reason)


def _pin(site: Site, moving: Moving) -> str:
    result = nodeset(site, moving.nodes, f"osimage={moving.reference}")
    said = [f"{fold(result)}: {moving.reference} at the next boot"] if result else []
    return "\n".join([*said, *map(str, result.errors.values())])


_APPLY: dict[str, Callable[[Site, Moving], str]] = {
    PROMOTE: lambda site, moving: str(promote(site, moving.reference, untested=moving.untested)),
    ROLLBACK: lambda site, moving: str(rollback(site, moving.reference)),
    "pin": _pin,
}
