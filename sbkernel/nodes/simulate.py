"""Define simulated nodes: BMCs and booting machines to practise on, which the site's service runs in one process."""

from __future__ import annotations

import hashlib
import random
import secrets
import socket
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.objects import change, remove
from sbkernel.errors import DefinitionError
from sbkernel.netboot import bootfiles
from sbkernel.netboot.bootplan import plan_offline
from sbkernel.nodes.mkvm import USER, free_port
from sbkernel.nodes.practice.state import GROUP
from sbkernel.nodes.practice.traits import ATTRIBUTE, Traits, chosen
from sbkernel.site import Site

MOST = 60_000
RACK = 40
_CONSOLE = {"cons": "ipmi", "serialport": "0", "serialspeed": "115200"}
_PER_BYTE = 250
_FIRST_NET = 64


class Simulated(NamedTuple):
    """What simulate did: names of nodes."""

    made: list[str]
    changed: list[str]
    removed: list[str]
    kept: list[str]

    @property
    def names(self) -> list[str]:
        """The nodes that there are now."""
        return sorted((*self.made, *self.changed, *self.kept))


def simulate(
    site: Site,
    count: int,
    shares: Mapping[str, float] | None = None,
    common: Traits | None = None,
    *,
    prefix: str = "sim",
    consoles: bool = True,
    redfish: float = 0.0,
) -> Simulated:
    """Define so many simulated nodes, in the group `simulated`; existing ones get the traits, surplus ones go.

    `shares` says how many have which trouble (dead, slow, checksum, panic, or a stage to be stuck before), `common`
    what all have, `redfish` how many are reached by Redfish and not by IPMI, whatever their trouble; new ones have a
    console unless `consoles` is false. Raises DefinitionError when a node of such a name
    exists that is not simulated; nothing is changed then.
    """
    if not 0 < count <= MOST:
        raise DefinitionError(f"{count} nodes cannot be simulated", hint=f"1 to {MOST}")
    width = max(4, len(str(count)))
    names = [f"{prefix}{number:0{width}d}" for number in range(1, count + 1)]
    ways = chosen(names, shares or {}, common or Traits())
    by_redfish = _some(names, redfish, (common or Traits()).seed)
    port, password = _port(site), secrets.token_urlsafe(12)
    with site.store.write("simulate") as transaction:
        there = transaction.get_many("node", names)
        for name, values in there.items():
            if ATTRIBUTE not in values:
                raise DefinitionError(
                    f"{name} is a node already, and not a simulated one", hint="Choose another --prefix."
                )
        others = [name for name in _simulated(transaction.objects("node")) if name not in ways]
        for name in others:
            remove(transaction, "node", name)
        done = Simulated([], [], others, [])
        for index, name in enumerate(names):
            wanted = {ATTRIBUTE: str(ways[name]), "mgt": "redfish" if name in by_redfish else "ipmi"}
            if name not in there:
                made = _attributes(site, index, port, password) | (_CONSOLE if consoles else {})
                change(transaction, "node", name, made | wanted)
                done.made.append(name)
            elif wanted.items() - there[name].items():
                change(transaction, "node", name, wanted)
                done.changed.append(name)
            else:
                done.kept.append(name)
    _forget(site, others)
    return done


def stop(site: Site) -> list[str]:
    """Remove the definitions of all simulated nodes, and of no other, and what they boot. Return their names."""
    with site.store.write("simulate --stop") as transaction:
        names = _simulated(transaction.objects("node"))
        for name in names:
            remove(transaction, "node", name)
    _forget(site, names)
    return names


def simulated(site: Site) -> dict[str, str]:
    """Return the simulated nodes and the traits of each."""
    nodes = site.store.objects("node")
    return {name: nodes[name][ATTRIBUTE] for name in _simulated(nodes)}


def _simulated(nodes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the nodes that say so themselves: what a group lends makes no real node a simulated one."""
    return [name for name, values in nodes.items() if ATTRIBUTE in values]


def _some(names: list[str], share: float, seed: int) -> set[str]:
    """Return a share of the names, chosen by the seed."""
    return set(random.Random(f"{seed} redfish").sample(names, round(share * len(names))))  # noqa: S311 - repeatable


def _forget(site: Site, names: list[str]) -> None:
    with bootfiles.BootFiles(site.boot) as files:
        for name in names:
            files.apply(plan_offline(name), files.scripts(name))


def _attributes(site: Site, index: int, port: int, password: str) -> dict[str, str | None]:
    net, rest = divmod(index, _PER_BYTE * _PER_BYTE)
    high, low = divmod(rest, _PER_BYTE)
    place = hashlib.sha256(str(site.root).encode()).digest()[:2]
    mac = bytes((0x02, *place, index >> 16, index >> 8 & 255, index & 255))
    return {
        "groups": GROUP,
        "mac": mac.hex(":"),
        "arch": "x86_64",
        "netboot": "xnba",
        "bmc": f"127.{_FIRST_NET + net}.{1 + high}.{1 + low}:{port}",
        "bmcusername": USER,
        "bmcpassword": password,
        "xcatmaster": "127.0.0.1",
        "rack": f"sim{1 + index // RACK}",
    }


def _port(site: Site) -> int:
    """Return the port of all simulated BMCs of a site: that of those there are, or a free one."""
    for name in simulated(site):
        port = site.nodes[name].peek("bmc").rpartition(":")[2]
        if port.isdigit():
            return int(port)
    others = site.nodes.many(site.nodes).values()
    taken = {int(port) for node in others if (port := node.peek("bmc").rpartition(":")[2]).isdigit()}
    return free_port(f"{site.root} {GROUP}", taken, socket.SOCK_DGRAM)
