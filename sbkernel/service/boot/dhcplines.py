"""What dnsmasq logs of DHCP (`log-dhcp`): which address got an answer while it was booting from the network."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

_LINE = re.compile(r"dnsmasq-dhcp(?:\[\d+\])?: (?P<xid>\d+) (?P<text>.*)")
_VENDOR = re.compile(r"vendor class: (?:PXEClient|HTTPClient)")
_MAC = r"(?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})"
_ACK = re.compile(rf"DHCPACK\((?P<interface>[^)]*)\) (?P<ip>\S+) {_MAC}")
# A proxy hears of no address.
_PROXY = re.compile(rf"PXE\((?P<interface>[^)]*)\) (?:(?P<ip>\d+\.\S+) )?{_MAC} proxy")
_NONE = re.compile(rf"DHCPDISCOVER\((?P<interface>[^)]*)\) (?:\S+ )?{_MAC} no address available")
_REMEMBERED = 4096


@dataclass(frozen=True)
class Lease:
    """A network card whose firmware asked on an interface.

    `ip` is what it was given, "" where another server gives it; what no server knows was not `answered`.
    """

    mac: str
    ip: str
    interface: str
    answered: bool = True


@dataclass
class DhcpLines:
    """Read the lines one by one; a later renewal by the running node is none of a boot's business."""

    _firmware: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def feed(self, line: str) -> Lease | None:
        """Return what this line completes for firmware (PXE or UEFI HTTP boot), None if it completes nothing."""
        found = _LINE.search(line)
        if not found:
            return None
        if _VENDOR.match(found["text"]):
            self._firmware[found["xid"]] = None
            if len(self._firmware) > _REMEMBERED:
                self._firmware.popitem(last=False)
            return None
        if found["xid"] not in self._firmware:
            return None
        if asked := _NONE.match(found["text"]):
            return Lease(asked["mac"], "", asked["interface"], answered=False)
        given = _ACK.match(found["text"]) or _PROXY.match(found["text"])
        return Lease(given["mac"], given["ip"] or "", given["interface"]) if given else None
