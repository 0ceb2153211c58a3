"""Which node has a MAC address or an IP address. No two nodes of a site can have the same."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Mapping

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.groups import peek_all
from sbkernel.definitions.store.interface import Store
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.netboot.names import dashed_mac

_NOT_SET = ("", "offline")


class Claims:
    """The addresses of all nodes, read at once. A node that has been set keeps its address, else the first by name."""

    def __init__(self, store: Store, known: Mapping[str, Definition] | None = None) -> None:
        """Read all nodes but those that are `known`."""
        self._owners: dict[str, str] = {}
        for _is_not_set, owner, mac, ip in sorted(_claiming(store, known or {})):
            for address in _addresses(mac, ip):
                self._owners.setdefault(address, owner)

    def check(self, node: str, mac: str, ip: str) -> None:
        """Raise NodeError if another node has the MAC or IP address of a node, or if it is not an address."""
        self._check(node, "MAC", dashed_mac(mac))
        try:
            self._check(node, "IP", _normal(ip) if ip else "")
        except ValueError:
            raise NodeError(node, f"its IP address {ip} is neither an IPv4 nor an IPv6 address") from None

    def _check(self, node: str, kind: str, address: str) -> None:
        owner = self._owners.get(address, node)
        if owner != node:
            raise NodeError(node, f"{owner} has the same {kind} address, {address}")


def _claiming(store: Store, known: Mapping[str, Definition]) -> Iterator[tuple[bool, str, str, str]]:
    """Yield the nodes in no order: whether it has never been set, its name, MAC and IP address."""
    for name, node in known.items():
        yield node.peek("currstate") in _NOT_SET, name, node.peek("mac"), node.peek("ip")
    for name, values in peek_all(store, "mac", "ip", "currstate", but=known):
        yield values.get("currstate", "") in _NOT_SET, name, values.get("mac", ""), values.get("ip", "")


def _addresses(mac: str, ip: str) -> Iterator[str]:
    """Yield all addresses of a node in the form in which they are compared, without those that are not addresses."""
    for one in mac.split("|") if mac else ():
        try:
            yield dashed_mac(one)
        except DefinitionError:
            continue
    if ":" in ip:
        with contextlib.suppress(ValueError):
            yield _normal(ip)
    elif ip:
        yield ip  # An IPv4 address has only one spelling.


def _normal(ip: str) -> str:
    if ":" not in ip:
        # Much faster than ipaddress, and like it takes four decimal numbers alone (inet_pton(3)): one spelling each.
        try:
            socket.inet_pton(socket.AF_INET, ip)
        except (OSError, ValueError):
            pass
        else:
            return ip
    return str(ipaddress.ip_address(ip))
