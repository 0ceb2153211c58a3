"""nodeset: set what nodes boot next. It never reboots a node."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

from sbkernel.architectures import of_host
from sbkernel.definitions.addresses import in_network
from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import refuse_held
from sbkernel.definitions.refusals import refuse
from sbkernel.definitions.store.interface import Store
from sbkernel.definitions.xcattables.columns import table_of
from sbkernel.definitions.xcattables.rows import matching
from sbkernel.definitions.xcattables.rowshape import is_enabled
from sbkernel.errors import DefinitionError, NodeError, NotFoundError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import CURRENT
from sbkernel.images.catalog.reference import Reference, parse
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles, boottarget, loaders
from sbkernel.netboot.addkcmdline import Lookup
from sbkernel.netboot.alike import Alike, Pattern
from sbkernel.netboot.bootplan import Bootable, BootPlan, mac_of, plan_image, plan_local, plan_offline
from sbkernel.netboot.claims import Claims
from sbkernel.netboot.dhcp.makedhcp import is_told, write_hosts
from sbkernel.netboot.diskimage import remembered, running_from_disk
from sbkernel.netboot.localdisk import local_disks
from sbkernel.netboot.overlay import Own, Shared, machine_id, overlay_tar, shared_members
from sbkernel.netboot.scripted import Scripted
from sbkernel.netboot.scripts import boots_by_grub, grub_path, overlay_path
from sbkernel.netboot.server import Server, SiteServer
from sbkernel.netboot.unchanged import Memory, Seen, is_worthwhile
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
    verb, image = _parse(action)
    nodes = site.noderange(noderange)
    if verb == "stat":
        return _states(site, nodes)
    # Keep gc from removing a version after it is found and before a boot file names it.
    with ExitStack() as kept:
        catalog = Catalog(site)
        find = catalog.find if dry_run else (lambda asked: kept.enter_context(catalog.using(asked)))
        chosen_of, result = functools.cache(functools.partial(_bootable, site, find)), NodesetResult()
        memory = Memory(site, chosen_of, [verb, image, str(override_hold), *nodes])
        remembers = verb == "osimage" and not dry_run and is_worthwhile(site, nodes)
        if remembers and (states := memory.recalled()) is not None:
            result.update(states)
            return result
        known = site.nodes.many(nodes)
        if remembers:
            memory.expect({image} if image else {node.peek("provmethod") for node in known.values()})
        plan = _planner(site, verb, image, chosen_of)
        plans = _plan_each(site, known, plan if override_hold else _unless_held(plan), result)
        if dry_run:
            result.plans = list(plans)
            return result
        attributes, seen = _write(site, plans)
        if remembers := remembers and not result.errors:
            # The store waits for the disk meanwhile.
            memory.look(kept.enter_context(ThreadPoolExecutor(1)))
        changed = _assign(site, attributes, known, memory.revision)
        if remembers:
            memory.remember(result, seen, changed)
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


Planner = Callable[[Definition], BootPlan]
_Find = Callable[[Reference], ImageVersion]


def _planner(site: Site, verb: str, image: str, chosen_of: Callable[[str], Bootable]) -> Planner:
    if verb == "offline":
        return lambda node: plan_offline(node.name)
    if verb == "boot":
        known = site.osimages.many(site.osimages)
        return lambda node: plan_local(node, running_from_disk(node, known))
    if verb == boottarget.METHOD:
        return boottarget.planner(site, image, _lookup(site.store))
    if image in site.osimages and _is_target(osimage := site.osimages[image]):
        return boottarget.of_osimage(site, osimage, _lookup(site.store))
    return _image_planner(site, image, chosen_of)


def _unless_held(plan: Planner) -> Planner:
    def refuse_or_plan(node: Definition) -> BootPlan:
        refuse_held(node, "nodeset")
        return plan(node)

    return refuse_or_plan


def _plan_each(site: Site, nodes: Mapping[str, Definition], plan: Planner, result: NodesetResult) -> Iterator[BootPlan]:
    """Yield the plan of each node that can be set, so that no more than a few are in memory; note how it went."""
    claims = functools.cache(lambda: Claims(site.store, nodes))
    for name, node in nodes.items():
        try:
            planned = plan(node)
            if boots_by_grub(node) and planned.files:
                loaders.check_grub(planned.attributes.get("arch") or node.get("arch") or of_host().osarch)
            if planned.mac:
                claims().check(name, planned.mac, node.get("ip"))
        except NodeError as error:
            result.errors[name] = error
        except SbkernelError as error:
            result.errors[name] = NodeError(name, error.message.removeprefix(f"{name}: "), hint=error.hint)
        else:
            result[name] = planned.state
            yield planned


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


def _write(site: Site, plans: Iterable[BootPlan]) -> tuple[dict[str, Mapping[str, str]], Seen]:
    """Write the files of each plan; return the attributes to set, by node, and the files."""
    attributes: dict[str, Mapping[str, str]] = {}
    catalog, noted, looked_at = Catalog(site), set[str](), None
    lay_grub = functools.cache(lambda: loaders.lay_every_grub(site.boot, site.http_port))
    bootfiles.write_common(site.boot)
    with bootfiles.BootFiles(site.boot) as files:
        for plan in plans:
            if grub_path(plan.node) in plan.files:
                lay_grub()
            before = files.scripts(plan.node)
            if any(before) and before != looked_at and not bootfiles.is_written(plan, before):
                # A node that has read the old script may still be fetching what it names.
                catalog.note_use(before.digests - noted)
                noted |= before.digests
                looked_at = before
            files.apply(plan, before)
            attributes[plan.node] = plan.attributes
        return attributes, files.seen


def _changed(node: Definition, planned: Mapping[str, str]) -> dict[str, str]:
    held = node.attributes.sound
    return {key: value for key, value in planned.items() if held.get(key, "") != value}


def _image_planner(site: Site, image: str, chosen_of: Callable[[str], Bootable]) -> Planner:
    """Return a planner that reads what all nodes share only once: image, server, keys, networks."""
    refuse(Definition.of("site", SITE, site.store.get("site", SITE) or {}), "nodeset")
    scripted = Scripted.of(site)
    given = _pinned(chosen_of(image)) if image else None
    known = site.osimages.many(site.osimages)
    server, domain = SiteServer.of(site), site.attribute("domain")
    keys, password, site_key = site.authorized_keys(), site.root_password_hash(), site.ssh_key.read_text()

    times_of, lookup = _time_servers(site), _lookup(site.store)
    target_of = functools.cache(lambda name: boottarget.of_osimage(site, known[name], lookup))

    @functools.cache
    def shared_of(seen: Server, forwards_log: bool) -> Callable[[tuple[str, ...]], bytes]:
        return functools.cache(lambda times: shared_members(Shared(seen, keys, times, password, forwards_log)))

    def common_of(node: Definition) -> _Common | None:
        """Return what nodes have in common with this one; None for what is no image."""
        word = "" if given else _assigned(node)
        if word in known and _is_target(known[word]):
            return None
        chosen = given or chosen_of(word)
        refuse(node, "nodeset")
        _check_architecture(node, chosen.definition)
        mac_of(node)
        seen, forwards_log = server.seen_by(node), node.get("syslog") != "ignore"
        return _Common(chosen, seen, shared_of(seen, forwards_log), scripted.may_have(node, chosen, seen))

    def files_of(node: Definition, common: _Common) -> dict[str, bytes]:
        """Return what the overlay of a node names, and the overlay."""
        own = Own(node.name, machine_id(site_key, node.name), node.get("ip"), domain)
        scripts = scripted.members(node, common.chosen, common.server) if common.may_have_scripts else b""
        overlay = overlay_tar(own, common.shared(times_of(node)), scripts)
        return {**(scripted.files if scripts else {}), overlay_path(node.name): overlay}

    def usual(node: Definition, common: _Common, files: Mapping[str, bytes]) -> BootPlan:
        planned = plan_image(node, common.chosen, common.server, files, lookup)
        return planned._replace(attributes={**planned.attributes, **remembered(node, known)})

    def pattern_of(node: Definition) -> tuple[_Common, Pattern] | None:
        common = common_of(node)
        pattern = common and Pattern.made(usual(node, common, {}))
        return (common, pattern) if common and pattern else None

    likeness = Alike(pattern_of)

    def plan(node: Definition) -> BootPlan:
        alike = likeness(node)
        common = alike[0] if alike else common_of(node)
        if common is None:
            return target_of(_assigned(node))(node)
        mac, files = mac_of(node), files_of(node, common)
        return (alike and alike[1].of(node.name, mac, files)) or usual(node, common, files)

    return plan


class _Common(NamedTuple):
    """What decides how nodes boot, but for their names and addresses."""

    chosen: Bootable
    server: Server
    shared: Callable[[tuple[str, ...]], bytes]
    """The members of their overlays, by the time servers."""
    may_have_scripts: bool


def _is_target(osimage: Definition) -> bool:
    return osimage.get("provmethod") == boottarget.METHOD


def _bootable(site: Site, find: _Find, word: str) -> Bootable:
    """Return an osimage with the version that a word names. Raises NotFoundError in xCAT's words."""
    asked = parse(word)
    if asked.image not in site.osimages:
        raise NotFoundError(
            f"Cannot find the OS image {asked.image} in the osimage table.", hint=_images_hint(list(site.osimages))
        )
    definition = site.osimages[asked.image]
    refuse(definition, "nodeset")
    if definition.get("boottarget"):
        raise DefinitionError(
            f"osimage {asked.image} is to be booted as an image, and has boottarget={definition.get('boottarget')}",
            hint=f"sb chdef -t osimage {asked.image} boottarget=, or provmethod=boottarget",
        )
    if not Catalog(site).pointers(asked.image).history:
        platform = "-".join(definition.get(key) for key in ("osvers", "osarch", "profile"))
        raise NotFoundError(
            f"No packed image for platform {platform}, please run packimage",
            hint=f"sb genimage {asked.image}, then sb packimage {asked.image}",
        )
    return Bootable(definition, find(asked), word, local_disks(site.store, definition))


def _pinned(given: Bootable) -> Bootable:
    """Return the provmethod for a request: a version other than the current one by its digest, so that it stays."""
    asked = parse(given.assigned)
    noted = Reference(asked.image, "" if asked.kind == CURRENT else given.version.digest)
    return replace(given, assigned=str(noted))


def _images_hint(images: list[str]) -> str:
    return f"there are: {', '.join(images)}" if images else "sb mkdef -t osimage makes one"


def _assigned(node: Definition) -> str:
    if not node.get("provmethod"):
        raise NodeError(
            node.name, "OS image name must be specified in nodetype.provmethod", hint="nodeset NODE osimage=IMAGE"
        )
    return node.get("provmethod")


def _time_servers(site: Site) -> Callable[[Definition], tuple[str, ...]]:
    """Return what tells the time servers of a node: those of its network, or of the only network, else the site's."""
    networks, spare = list(site.networks.values()), _servers(site.attribute("ntpservers"))
    if len(networks) < 2:
        only = _servers(networks[0].get("ntpservers")) or spare if networks else spare
        return lambda _node: only
    timed = [network for network in networks if network.get("ntpservers")]

    def times_of(node: Definition) -> tuple[str, ...]:
        ip = node.get("ip")
        fitting = (network for network in timed if in_network(ip, network.get("net"), network.get("mask")))
        return _servers(",".join(network.get("ntpservers") for network in fitting)) or spare

    return times_of


def _servers(text: str) -> tuple[str, ...]:
    """Return the servers of a comma list, each once; this host is none."""
    words = (word.strip() for word in text.split(","))
    return tuple(word for word in dict.fromkeys(words) if word and word != "<xcatmaster>")


def _check_architecture(node: Definition, image: Definition) -> None:
    """Raise NodeError if a node cannot run an image (node attribute supportedarchs)."""
    can = [word.strip() for word in node.get("supportedarchs").split(",") if word.strip()]
    if can and image.get("osarch") not in can:
        raise NodeError(
            node.name,
            f"image {image.name} is of {image.get('osarch')}, and supportedarchs={','.join(can)}",
            hint="boot an image of an architecture that it can run, or correct supportedarchs",
        )


def _lookup(store: Store) -> Lookup:
    """Return how the placeholders of addkcmdline read xCAT's tables."""

    def lookup(table: str, key: str, column: str) -> str:
        name, equals, value = key.partition("=")
        keys = {name: value} if equals else {table_of(table).keys[0]: key}
        return next((row.get(column, "") for row in matching(store, table, keys) if is_enabled(row)), "")

    return lookup
