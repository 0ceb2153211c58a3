"""What dnsmasq logs of DHCP (`log-dhcp`): which address got an answer while it was booting from the network."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

_LINE = re.compile(r"dnsmasq-dhcp(?:\[\d+\])?: (?P<xid>\d+) (?P<text>.*)")
_VENDOR = re.compile(r"vendor class: (?:PXEClient|HTTPClient)")
# A proxy hears of no address.
_PROXY = re.compile(r"PXE\([^)]*\) (?:(?P<ip>\d+\.\S+) )?(?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2}) proxy")
_ACK = re.compile(r"DHCPACK\([^)]*\) (?P<ip>\S+) (?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})")
_REMEMBERED = 4096


@dataclass(frozen=True)
class Lease:
    """A network card whose firmware was answered; `ip` is what it was given, "" where another server gives it."""

    mac: str
    ip: str


@dataclass
class DhcpLines:
    """Read the lines one by one; a later renewal by the running node is none of a boot's business."""

    _firmware: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def feed(self, line: str) -> Lease | None:
        """Return the lease that this line completes for firmware (PXE or UEFI HTTP boot), else None."""
        found = _LINE.search(line)
        if not found:
            return None
        if _VENDOR.match(found["text"]):
            self._firmware[found["xid"]] = None
            if len(self._firmware) > _REMEMBERED:
                self._firmware.popitem(last=False)
            return None
        if proxy := _PROXY.match(found["text"]):
            return Lease(proxy["mac"], proxy["ip"] or "")
        ack = _ACK.match(found["text"])
        return Lease(ack["mac"], ack["ip"]) if ack and found["xid"] in self._firmware else None
