"""What nodeset writes for one node. Pure: from definitions it makes the files of boot/ and the node's attributes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.attribute import ROOT_KINDS
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.images.catalog.digests import place
from sbkernel.images.catalog.pointers import CANDIDATE, CURRENT, PREVIOUS
from sbkernel.images.catalog.reference import Reference, parse
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.addkcmdline import Lookup
from sbkernel.netboot.commandline import command_line, plain_word
from sbkernel.netboot.localdisk import LocalDisks, disk_words, why_not
from sbkernel.netboot.names import dashed_mac
from sbkernel.netboot.scripts import Load, leaving, loading, overlay_path
from sbkernel.netboot.server import Server

USUAL = ROOT_KINDS[0]


class BootPlan(NamedTuple):
    """The next boot of one node: its state as nodeset prints it, files by path below boot/, attributes to set.

    The files are in the order in which they are written: what another names comes before it. `shared` tells that the
    script is that of other nodes as well; it has `${node}` and `${card}` for what by-mac sets for each.
    """

    node: str
    state: str
    mac: str = ""
    files: Mapping[str, bytes] = MappingProxyType({})
    attributes: Mapping[str, str] = MappingProxyType({})
    shared: bool = False
    address: str = ""
    """Of a plan without a MAC address: that by which the node may have been led to its script."""


@dataclass(frozen=True)
class Bootable:
    """An osimage with the version that a node will boot.

    `assigned` becomes the node's provmethod: the image, or IMAGE@DIGEST, which pins the node to that version. `disks`
    is what its partitionfile says.
    """

    definition: Definition
    version: ImageVersion
    assigned: str
    disks: LocalDisks = field(default_factory=LocalDisks)

    @property
    def state(self) -> str:
        """Return the state in xCAT's words: netboot OS-ARCH-PROFILE."""
        return f"netboot {'-'.join(self.definition.get(key) for key in ('osvers', 'osarch', 'profile'))}"


def plan_image(
    node: Definition, image: Bootable, server: Server, files: Mapping[str, bytes], lookup: Lookup = lambda *_: ""
) -> BootPlan:
    """Plan to boot a node from an image. `files` are its overlay and what that names. NodeError for what it lacks."""
    mac = mac_of(node)
    base = server.image_url(f"catalog/{image.version.digest}")
    facts = [*_image_facts(node, mac, image, server).items(), *_layers(image.version), *_disks(node, image)]
    line = command_line(node, image.definition, server, facts, lookup)
    load = Load(
        state=plain_state(image.state),
        boots=f"{Reference(image.definition.name, image.version.digest)}, {_why(image)}",
        base=base,
        kernel=f"{base}/kernel?node={node.name}",
        initrd=f"{base}/initrd?node={node.name}",
        command_line=line,
        servers=server.image_servers,
        path=f"catalog/{image.version.digest}",
    )
    scripts = loading(node, mac, load, image.definition.get("osarch"))
    return BootPlan(node.name, image.state, mac, {**files, **scripts}, _attributes(image, base, line))


def plan_local(node: Definition, attributes: Mapping[str, str]) -> BootPlan:
    """Plan to boot a node from its disk, and set `attributes`. It keeps its osimage, which xCAT forgets (#1938)."""
    mac = mac_of(node)
    return BootPlan(node.name, "boot", mac, leaving(node, mac, "boot"), {**attributes, "currstate": "boot"})


def plan_offline(node: str, mac: str = "") -> BootPlan:
    """Plan to boot nothing. Its MAC address, as people write it, saves looking for it among those of all nodes."""
    address = ""
    with contextlib.suppress(DefinitionError):
        address = dashed_mac(mac)
    return BootPlan(node, "offline", attributes={"currstate": "offline"}, address=address)


def mac_of(node: Definition) -> str:
    """Return the MAC address that boots, with dashes. Raises NodeError if the node has none."""
    if not node.get("mac"):
        raise NodeError(
            node.name, "No MAC address available for this node", hint=f"sb chdef {node.name} mac=52:54:00:12:34:56"
        )
    return dashed_mac(node.get("mac"))


def plain_state(state: str) -> str:
    """Return a state if it can be written to a boot file, from which `nodeset stat` reads it."""
    for word in state.split():
        plain_word("the image's osvers, osarch or profile", word)
    return state


def _why(image: Bootable) -> str:
    kind = parse(image.assigned).kind
    moves = kind in (CURRENT, CANDIDATE, PREVIOUS)
    return f"the {kind} version when this was written" if moves else "to which the node is pinned"


def _image_facts(node: Definition, mac: str, image: Bootable, server: Server) -> dict[str, str]:
    version, kind = image.version, root_kind(node, image)
    return {
        "imgurl": server.image_url(f"catalog/{_root_path(version)}"),
        "sbkernel.sha256": version.root_sha256,
        "sbkernel.size": str(version.root_size),
        **({"sbkernel.unpacked": str(version.unpacked_bytes)} if version.unpacked_bytes else {}),
        **({"sbkernel.verity": version.roots[0].verity} if version.roots[0].verity else {}),
        **({"sbkernel.signed": version.key} if version.key else {}),
        **({"sbkernel.root": kind} if kind != USUAL else {}),
        "sbkernel.image": version.digest,
        **({"sbkernel.servers": ",".join(server.image_servers)} if server.others else {}),
        "sbkernel.overlay": server.url(f"boot/{overlay_path(node.name)}"),
        "BOOTIF": f"01-{_card(node, mac)}",
    }


def root_kind(node: Definition, image: Bootable) -> str:
    """Return the kind of root of a node: its own, else that of the osimage. NodeError if the image cannot make it."""
    usual = image.definition.get("rootkind").partition(",")[0]
    kind = node.get("rootkind") or usual or USUAL
    if kind == USUAL or kind in image.version.root_kinds:
        return kind
    name = image.definition.name
    whole = ",".join(dict.fromkeys([*filter(None, image.definition.get("rootkind").split(",")), kind]))
    raise NodeError(
        node.name,
        f"rootkind={kind}: {name}@{image.version.digest[:12]} was packed without what a root of that kind needs",
        hint=f"sb chdef -t osimage {name} rootkind={whole}, then sb genimage {name} and sb packimage {name}",
    )


def _disks(node: Definition, image: Bootable) -> list[tuple[str, str]]:
    """Return what is made of local disks. NodeError if the version cannot make it."""
    kind, name, version = root_kind(node, image), image.definition.name, image.version
    words = disk_words(image.disks, kind)
    problem = why_not(words, image.disks, kind, version)
    if problem:
        raise NodeError(node.name, f"{name}@{version.digest[:12]} {problem[0]}", hint=problem[1].format(image=name))
    return words


def _root_path(version: ImageVersion) -> str:
    """Return the path of the root below the catalog; one that may lie below others has the same in all versions."""
    return place(version.roots[0]) if version.layered else f"{version.digest}/{version.root.name}"


def _layers(version: ImageVersion) -> Iterator[tuple[str, str]]:
    """Yield what the initrd must know of each root over the first; it finds them by their digest beside that one."""
    for root in version.roots[1:]:
        facts = (root.name, str(root.size), root.sha256, root.verity)
        yield "sbkernel.layer", ",".join(filter(None, facts))


def _card(node: Definition, mac: str) -> str:
    """Return the MAC address of the card for the initrd to use: that of installnic if it is one, else the loader's."""
    named = node.get("installnic")
    return dashed_mac(named) if re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", named) else mac


def _attributes(image: Bootable, base: str, line: str) -> dict[str, str]:
    definition = image.definition
    return {
        "provmethod": image.assigned,
        "os": definition.get("osvers"),
        "arch": definition.get("osarch"),
        "profile": definition.get("profile"),
        "currstate": image.state,
        "kernel": f"{base}/kernel",
        "initrd": f"{base}/initrd",
        "kcmdline": line,
    }
