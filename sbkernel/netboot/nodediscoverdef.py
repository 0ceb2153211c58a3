"""nodediscoverdef: a discovered machine becomes a node; it boots when it asks next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sbkernel.definitions.objectverbs import templates
from sbkernel.definitions.ranges.noderange import expand
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.netboot.dhcp.makedhcp import is_told, write_hosts
from sbkernel.netboot.discovery import Machine, find, macs_in
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site


@dataclass(frozen=True)
class Adopted:
    """A machine and the node that it is now; `state` is what it boots next, `problem` why it boots nothing yet."""

    machine: Machine
    node: str
    created: bool
    state: str = ""
    problem: SbkernelError | None = None


def nodediscoverdef(
    site: Site, which: str, name: str, attributes: Mapping[str, str] | None = None, *, template: str = ""
) -> Adopted:
    """Make a node of the machine with a UUID or MAC address; return what became of it.

    `name` is a node, a group or names such as n[1-20]: the first of them that has no MAC address yet, or is not
    defined. A new node begins as the shipped node `template` says, and is in group all unless that or `attributes` say
    otherwise. With a provmethod, its own or a group's, the
    node is set to boot it. Raises NotFoundError for an unknown machine, DefinitionError if it is a node already or no
    name is free.
    """
    machine = find(site, which)
    if machine.node:
        raise DefinitionError(
            f"that machine is node {machine.node} already", hint=f"sb chdef {machine.node} mac= takes its address away"
        )
    node = _free(site, name)
    created = node not in site.nodes
    told = {"mac": machine.mac, "serial": machine.serial}
    given = {**(attributes or {}), **{key: text for key, text in told.items() if text}}
    values = _new(site, template, given) if created else given

    def change(before: Mapping[str, str]) -> Mapping[str, str]:
        if before.get("mac"):
            raise DefinitionError(f"{node} was given to another machine just now", hint="do it again")
        return values

    site.change("node", {node: change}, "nodediscoverdef")
    return _set(site, Adopted(machine, node, created))


def _new(site: Site, template: str, given: Mapping[str, str]) -> Mapping[str, str]:
    if not template:
        return {"groups": "all", **given}
    shipped = templates.read(site.root / "share")
    if template not in shipped:
        raise DefinitionError(
            f"there is no template {template}", hint=f"there are: {', '.join(shipped)}; lsdef --template shows them"
        )
    return templates.instance(shipped[template], given)


def _free(site: Site, name: str) -> str:
    names = site.noderange(name, excluded=True) if name in site.groups else expand(name)
    known = site.nodes.many(one for one in names if one in site.nodes)
    free = next((one for one in names if one not in known or not macs_in(known[one].get("mac"))), "")
    if free:
        return free
    if len(names) == 1:
        raise DefinitionError(
            f"{names[0]} has the MAC address {known[names[0]].get('mac')}",
            hint=f"choose another name, or take it away: sb chdef {names[0]} mac=",
        )
    raise DefinitionError(f"every node of {name} has a MAC address", hint="choose other names")


def _set(site: Site, adopted: Adopted) -> Adopted:
    node = site.nodes[adopted.node]
    if not node.get("provmethod"):
        if is_told(site):
            write_hosts(site, [node])
        hint = f"sb nodeset {adopted.node} osimage=IMAGE"
        return replace(adopted, problem=DefinitionError(f"{adopted.node} boots nothing yet", hint=hint))
    try:
        return replace(adopted, state=nodeset(site, adopted.node, "osimage")[adopted.node])
    except SbkernelError as error:
        return replace(adopted, problem=error)
