"""nodeset: set what nodes boot next. It never reboots a node."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootfiles
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.dhcp.makedhcp import is_told, write_hosts
from sbkernel.netboot.partner import Order, Partner, has_use, in_parts, named, plain
from sbkernel.netboot.planning import Asked, bootable, planner
from sbkernel.netboot.unchanged import Files, Memory, below_boot, is_worthwhile
from sbkernel.netboot.writing import Writer, Written, claimed
from sbkernel.site import Site

_ACTIONS = ("osimage", "boottarget", "boot", "stat", "offline")
_NAMING = ("osimage", "boottarget")
_DEPRECATED = ("install", "netboot", "statelite")


class NodesetResult(dict[str, str]):
    """The state of each node that was set; `errors` has the reason for each node that was not.

    Looking up a node that failed raises its error, so that a script notices.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, NodeError] = {}
        self.plans: list[BootPlan] = []

    def take(self, nodes: Iterable[str], written: Written) -> None:
        """Take in what came of nodes, in their order."""
        self.update({node: written.states[node] for node in nodes if node in written.states})
        self.errors |= {node: written.errors[node] for node in nodes if node in written.errors}

    def __missing__(self, node: str) -> str:
        if node in self.errors:
            raise self.errors[node]
        raise KeyError(node)


def nodeset(
    site: Site, noderange: str, action: str, *, dry_run: bool = False, override_hold: bool = False
) -> NodesetResult:
    """Set what the nodes boot next and return their states, such as `netboot debian12-x86_64-compute`.

    `action` is `osimage=IMAGE` (its current version); `osimage=IMAGE@DIGEST`, @previous, @candidate or a day (that
    version; the node's provmethod becomes IMAGE@DIGEST, which pins it); `osimage` (what provmethod names, so that a
    pinned node keeps its version); `boottarget=NAME` (a kernel and an initrd that are no image); `boot`
    (the local disk; the node keeps its osimage, and remembers with which one its disk was installed); `offline`
    (nothing); or `stat` (only return the state). `dry_run` plans and writes nothing. A node that cannot be set does not
    stop the others; one that somebody holds is not set, unless `override_hold`.
    Raises NotFoundError if the image or version does not exist or is not packed.
    """
    asked = Asked(*_parse(action), override_hold)
    nodes = site.noderange(noderange)
    if asked.verb == "stat":
        return _states(site, nodes)
    # Keep gc from removing a version after it is found and before a boot file names it.
    with ExitStack() as kept:
        catalog = Catalog(site)
        find = catalog.find if dry_run else (lambda asked: kept.enter_context(catalog.using(asked)))
        chosen_of, result = functools.cache(functools.partial(bootable, site, find)), NodesetResult()
        memory = Memory(site, chosen_of, [asked.verb, asked.image, str(override_hold), *nodes])
        remembers = asked.verb == "osimage" and not dry_run and is_worthwhile(site, nodes)
        if remembers and (states := memory.recalled()) is not None:
            result.update(states)
            return result
        partner = kept.enter_context(Partner()) if remembers and has_use(len(nodes)) else None
        known = site.nodes.many(nodes)
        words = {asked.image} if asked.image else {node.peek("provmethod") for node in known.values()}
        if remembers:
            memory.expect(words)
        refused = claimed(site, known) if asked.verb != "offline" else {}
        with Writer(site, planner(site, asked, chosen_of), refused) as writer:
            if dry_run:
                result.plans = list(writer.plans(known))
            elif partner:
                order = Order(str(site.root), asked, in_parts(list(known)), named(words, chosen_of), plain(refused))
                _write_together(writer, partner, order, known)
            else:
                writer.write(known)
        written = writer.written
        result.take(known, written)
        if dry_run:
            return result
        if remembers := remembers and not result.errors:
            memory.look(_looker(site, kept, partner))
        changed = _assign(site, written.attributes, known, memory.revision)
        if remembers:
            memory.remember(result, written.seen, changed)
    return result


def _parse(action: str) -> tuple[str, str]:
    verb, equals, image = action.partition("=")
    if verb in _DEPRECATED:
        raise DefinitionError(
            'The options "install", "netboot", and "statelite" have been deprecated, '
            'use "osimage=<osimage_name>" instead.'
        )
    if verb not in _ACTIONS or (equals and verb not in _NAMING):
        hint = "actions: osimage=IMAGE boottarget=NAME osimage boot stat offline"
        raise DefinitionError(f"nodeset does not know {action!r}", hint=hint)
    if verb in _NAMING and not image.strip() and (equals or verb == "boottarget"):
        what = "image" if verb == "osimage" else "boottarget"
        raise DefinitionError(f"{action} names no {what}", hint=f"write {verb}={what.upper()} without a blank")
    return verb, image.strip()


def _states(site: Site, nodes: list[str]) -> NodesetResult:
    result = NodesetResult()
    result.update({node: bootfiles.state(site.boot, node) for node in nodes})
    return result


def _assign(
    site: Site, attributes: Mapping[str, Mapping[str, str]], known: Mapping[str, Definition], revision: int
) -> int:
    """Set attributes of nodes, and tell DHCP of them; return how many nodes have others now.

    `known` are the nodes as they were when the store had that revision.
    """
    now = known if site.store.revision() == revision else site.nodes.many(attributes)
    changed = {node: _changed(now[node], planned) for node, planned in attributes.items() if node in now}
    if changed := {node: values for node, values in changed.items() if values}:
        _note(site, changed)
    if is_told(site):
        write_hosts(site, [now[node] for node in attributes if node in now])
    return len(changed)


def _note(site: Site, changed: Mapping[str, Mapping[str, str]]) -> None:
    """Set attributes of nodes. The values are made of what was checked when it was set, so nothing is checked again."""
    with site.store.write("nodeset") as transaction:
        for node, values in transaction.get_many("node", list(changed)).items():
            values.update(changed[node])
            if "" in changed[node].values():
                values = {key: value for key, value in values.items() if value}
            transaction.put("node", node, values)


def _write_together(writer: Writer, partner: Partner, order: Order, nodes: Mapping[str, Definition]) -> None:
    """Write the files of all nodes, some of them by the partner."""
    for names in partner.parts(order):
        writer.write({name: nodes[name] for name in names})
    theirs = partner.written()
    left = nodes.keys() - writer.written.names - theirs.names
    writer.write({name: node for name, node in nodes.items() if name in left})
    writer.written.add(theirs)


def _looker(site: Site, kept: ExitStack, partner: Partner | None) -> Callable[[], Files | None]:
    """Let somebody look at boot/ while the store is written; return what waits for what was found."""
    if partner and partner.look():
        return partner.looked
    # Where boot/ is stands in the store, which is not to be had while it is written.
    return kept.enter_context(ThreadPoolExecutor(1)).submit(below_boot, site.boot).result


def _changed(node: Definition, planned: Mapping[str, str]) -> dict[str, str]:
    held = node.attributes.sound
    return {key: value for key, value in planned.items() if held.get(key, "") != value}
