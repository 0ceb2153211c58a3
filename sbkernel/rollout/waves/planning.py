"""Plan a roll-out from what the site says: which nodes, in which waves, and what each boots now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold_of
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles, bootlog
from sbkernel.rollout.testboot.gate import let_through
from sbkernel.rollout.waves import scheduler
from sbkernel.rollout.waves.boots import seen
from sbkernel.rollout.waves.budget import read_budget
from sbkernel.rollout.waves.division import divide
from sbkernel.rollout.waves.plan import HOWS, LOCAL, OFFLINE, SCHEDULER, Before, Options, RolloutPlan
from sbkernel.service.power.safety import OFF
from sbkernel.site import Site

USUAL_WAVES = "1,10%,rest"
_READ_BYTES = 32 * 1024
_LEAST_S, _MOST_S = 1.0, 366 * 86400.0


def plan_rollout(
    site: Site, image: str, noderange: str, waves: str = USUAL_WAVES, options: Options | None = None
) -> RolloutPlan:
    """Return the plan; nothing is changed. `image` is IMAGE@candidate, IMAGE@DIGEST, or as in reference.py.

    Nodes that somebody holds, and nodes that run the version already, are left out. Raises NotFoundError for an image,
    a version or a node that is not there, DefinitionError for waves and options that say nothing sensible, and for a
    version that must pass its test boot first.
    """
    given = _checked(options or Options())
    version = Catalog(site).find(image)
    if version.image not in site.osimages:
        raise NotFoundError(
            f"Cannot find the OS image {version.image} in the osimage table.", hint="sb lsdef -t osimage"
        )
    let_through(site, version, given.untested)
    names = site.noderange(noderange)
    if not names:
        raise DefinitionError(f"{noderange} names no nodes", hint="sb nodels lists them")
    known = site.nodes.many(names)
    left_out = {node: why for node in names if (why := _left_out(site, known[node], version))}
    nodes = [node for node in names if node not in left_out]
    own = site.store.get_many("node", nodes)
    before = {node: _before(site, node, own[node]) for node in nodes}
    divided = divide(nodes, waves, SiteGrouping(site, nodes)) if nodes else ()
    return RolloutPlan(version.image, version.digest, image, noderange, divided, before, left_out, given, waves)


class SiteGrouping:
    """What a site says of nodes, for waves."""

    def __init__(self, site: Site, nodes: Sequence[str]) -> None:
        self._site, self._nodes = site, nodes

    def members(self, noderange: str) -> Collection[str]:
        """Return the nodes of a noderange. Raises DefinitionError when it names none."""
        found = self._site.noderange(noderange)
        if not found:
            raise DefinitionError(
                f"the wave {noderange} names no nodes", hint="a noderange, such as a group: sb nodels"
            )
        return found

    def values(self, attribute: str) -> Mapping[str, str]:
        """Return what an attribute says of each node. Raises DefinitionError for one that nodes do not have."""
        from sbkernel.definitions.attributes import attribute_of

        attribute_of("node", attribute)
        return {name: node.peek(attribute) for name, node in self._site.nodes.many(self._nodes).items()}


def _checked(options: Options) -> Options:
    """Return options that make sense. Raises DefinitionError."""
    read_budget(options.budget)
    if options.how not in HOWS:
        raise DefinitionError(f"nodes are not booted by {options.how!r}", hint=f"how is one of {', '.join(HOWS)}")
    for name in ("timeout_s", "wait_s"):
        if not _LEAST_S <= getattr(options, name) <= _MOST_S:
            said = f"{name.removesuffix('_s')} is {getattr(options, name):g} s"
            raise DefinitionError(said, hint="a second at least, a year at most: 15min, 7d")
    if options.pace not in ("", OFF):
        _check_pace(options.pace)
    if options.how == SCHEDULER:
        return replace(options, scheduler=scheduler.check(options.scheduler))
    return options


def _check_pace(pace: str) -> None:
    try:
        good = 0.01 <= float(pace) < 1e9
    except ValueError:
        good = False
    if not good:
        raise DefinitionError(f"{pace!r} is no pace", hint="so many nodes a second, or none: all of a wave at once")


def _left_out(site: Site, node: Definition, version: ImageVersion) -> str:
    if hold := hold_of(node):
        return str(hold)
    return "runs it already" if _runs(site, node, version) else ""


def _runs(site: Site, node: Definition, version: ImageVersion) -> bool:
    """Tell whether a node boots a version, and its last boot with it was good."""
    if bootfiles.version(site.boot, node.name) != version.digest:
        return False
    events = bootlog.read_end(site, node.name, _READ_BYTES)
    return node.peek("status") != "powering-off" and seen(events, 0.0, version.digest).word == "up"


def _before(site: Site, node: str, own: Mapping[str, str]) -> Before:
    """Return what a node boots now. A version that is gone cannot be gone back to: that is as if it had none."""
    state, digest = bootfiles.state(site.boot, node), bootfiles.version(site.boot, node)
    provmethod = own.get("provmethod")
    if not digest:
        return Before(state, provmethod=provmethod)
    try:
        return Before(state, Catalog(site).get(digest).image, digest, provmethod)
    except NotFoundError:
        return Before(LOCAL if state == LOCAL else OFFLINE, provmethod=provmethod)
