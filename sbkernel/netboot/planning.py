"""How nodes are planned: of what nodeset is asked for, the function that makes the plan of a node.

What all nodes share is read once, when the function is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from sbkernel.definitions.addresses import in_network
from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import refuse_held
from sbkernel.definitions.refusals import refuse
from sbkernel.definitions.store.interface import Store
from sbkernel.definitions.xcattables.columns import table_of
from sbkernel.definitions.xcattables.rows import matching
from sbkernel.definitions.xcattables.rowshape import is_enabled
from sbkernel.errors import DefinitionError, NodeError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import CURRENT
from sbkernel.images.catalog.reference import Reference, parse
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import boottarget
from sbkernel.netboot.addkcmdline import Lookup
from sbkernel.netboot.alike import Alike, Pattern
from sbkernel.netboot.bootplan import Bootable, BootPlan, mac_of, plan_image, plan_local, plan_offline
from sbkernel.netboot.diskimage import remembered, running_from_disk
from sbkernel.netboot.localdisk import local_disks
from sbkernel.netboot.overlay import Own, Shared, machine_ids, overlay_tar, shared_members
from sbkernel.netboot.scripted import Scripted
from sbkernel.netboot.scripts import overlay_path
from sbkernel.netboot.server import Server, SiteServer
from sbkernel.site import Site

Planner = Callable[[Definition], BootPlan]
_Find = Callable[[Reference], ImageVersion]


class Asked(NamedTuple):
    """What nodeset is asked for: what stands before and after the equals sign, and whether holds count."""

    verb: str
    image: str
    override_hold: bool


def planner(site: Site, asked: Asked, chosen_of: Callable[[str], Bootable]) -> Planner:
    """Return what plans a node; `chosen_of` finds the version that a word names."""
    plan = _planner(site, asked.verb, asked.image, chosen_of)
    return plan if asked.override_hold else _unless_held(plan)


def _planner(site: Site, verb: str, image: str, chosen_of: Callable[[str], Bootable]) -> Planner:
    if verb == "offline":
        return lambda node: plan_offline(node.name, node.peek("mac"))
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


def _image_planner(site: Site, image: str, chosen_of: Callable[[str], Bootable]) -> Planner:
    """Return a planner that reads what all nodes share only once: image, server, keys, networks."""
    refuse(Definition.of("site", SITE, site.store.get("site", SITE) or {}), "nodeset")
    scripted = Scripted.of(site)
    given = _pinned(chosen_of(image)) if image else None
    known = site.osimages.many(site.osimages)
    server, domain = SiteServer.of(site), site.attribute("domain")
    keys, password = site.authorized_keys(), site.root_password_hash()
    machine_id = machine_ids(site.ssh_key.read_text())

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
        own = Own(node.name, machine_id(node.name), node.get("ip"), domain)
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


def bootable(site: Site, find: _Find, word: str) -> Bootable:
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
