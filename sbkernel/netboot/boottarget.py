"""A boottarget: a kernel, perhaps an initrd, and a command line that are no image (xCAT's table of that name)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.refusals import refuse
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.netboot.addkcmdline import Lookup
from sbkernel.netboot.bootplan import BootPlan, mac_of
from sbkernel.netboot.commandline import plain_word, target_line
from sbkernel.netboot.diskimage import remembered
from sbkernel.netboot.scripts import Load, loading
from sbkernel.netboot.server import Server, SiteServer
from sbkernel.site import Site

METHOD = "boottarget"
"""The provmethod of an osimage that stands for a boottarget."""
_OF_OSIMAGE = {"os": "osvers", "arch": "osarch", "profile": "profile"}


def planner(
    site: Site, name: str, lookup: Lookup, osimage: Definition | None = None
) -> Callable[[Definition], BootPlan]:
    """Return what plans to boot a node from a boottarget; `osimage` is the one that stands for it, if one was named.

    Raises DefinitionError or NotFoundError for a boottarget that cannot be booted.
    """
    target = _found(site, name)
    for what in ("kernel", "initrd"):
        _check_file(site, target, what)
    server, known = SiteServer.of(site), site.osimages.many(site.osimages)

    def plan(node: Definition) -> BootPlan:
        refuse(node, "nodeset")
        noted = _as_osimage(osimage) | remembered(node, known) if osimage else {}
        return plan_target(node, target, server.seen_by(node), noted, lookup)

    return plan


def of_osimage(site: Site, osimage: Definition, lookup: Lookup) -> Callable[[Definition], BootPlan]:
    """Return the planner of an osimage that stands for a boottarget. Raises as planner() does."""
    refuse(osimage, "nodeset")
    if not osimage.get("boottarget"):
        raise DefinitionError(
            f"osimage {osimage.name} has provmethod={METHOD} and names none",
            hint=f"sb chdef -t osimage {osimage.name} boottarget=NAME",
        )
    return planner(site, osimage.get("boottarget"), lookup, osimage)


def plan_target(
    node: Definition, target: Definition, server: Server, attributes: Mapping[str, str], lookup: Lookup = lambda *_: ""
) -> BootPlan:
    """Plan to boot a node from a boottarget, and set `attributes`. Without an osimage the node keeps its own."""
    mac, state = mac_of(node), f"{METHOD} {plain_word('the name of the boottarget', target.name)}"
    kernel = _url(target, "kernel", server)
    load = Load(
        state=state,
        boots=state,
        base=kernel,
        kernel=kernel,
        initrd=_url(target, "initrd", server) if target.get("initrd") else "",
        command_line=target_line(node, target, server, lookup),
    )
    loaded = {"kernel": kernel, "initrd": load.initrd, "kcmdline": load.command_line, "currstate": state}
    files = loading(node, mac, load, node.get("arch") or "x86_64")
    return BootPlan(node.name, state, mac, files, {**attributes, **loaded})


def _found(site: Site, name: str) -> Definition:
    targets = site.all_of(METHOD)
    if name not in targets:
        raise NotFoundError(
            f"there is no boottarget {name}", hint=f"sb mkdef -t boottarget {name} kernel=URL initrd=URL kcmdline=WORDS"
        )
    target: Definition = targets[name]
    if not target.get("kernel"):
        raise DefinitionError(f"boottarget {name} has no kernel", hint=f"sb chdef -t boottarget {name} kernel=URL")
    return target


def _check_file(site: Site, target: Definition, what: str) -> None:
    """Raise DefinitionError unless the file of a boottarget lies below boot/, or comes from elsewhere."""
    place = target.get(what)
    if not place or "://" in place:
        return
    if any(not part or part.startswith(".") for part in place.split("/")):
        raise DefinitionError(
            f"{what} {place} of boottarget {target.name} is no path below {site.boot}",
            hint=f"put the file there and write {what}=NAME, or give a URL",
        )
    if not (site.boot / place).is_file():
        raise DefinitionError(f"{what} of boottarget {target.name}: {site.boot / place} is not there")


def _url(target: Definition, what: str, server: Server) -> str:
    place = plain_word(f"{what} of boottarget {target.name}", target.get(what))
    return place if "://" in place else server.url(f"boot/{place}")


def _as_osimage(osimage: Definition) -> dict[str, str]:
    named = {ours: osimage.get(theirs) for ours, theirs in _OF_OSIMAGE.items() if osimage.get(theirs)}
    return {"provmethod": osimage.name} | named
