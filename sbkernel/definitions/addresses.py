"""The forms of addresses, and what is wrong with a value that does not have the form of its attribute. Pure.

A host is a name or an address. A value that can only be an address, such as 10.9.0.300, must be a valid one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sbkernel.definitions.nics import pairs

_NUMBERS = re.compile(r"[\d.]*\d\.[\d.]*")
_HEXADECIMAL = re.compile(r"\[?[0-9A-Fa-f:]*:[0-9A-Fa-f.:]*:[0-9A-Fa-f.:]*\]?")
_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:\]]*):\d+")
_RANGE_SIGN = re.compile("[-,/]")


def wrong(form: str, value: str) -> str:
    """Return what is wrong with a value of this form, one of FORMS; "" if it is right."""
    return next(FORMS[form](value), "")


def in_network(address: str, net: str, mask: str) -> bool:
    """Tell whether an address lies in a network; not if one of them is none. The mask is 255.255.255.0, /24 or 24."""
    import ipaddress

    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(f"{net}/{mask.lstrip('/')}", strict=False)
    except ValueError:
        return False


def _address(value: str) -> Iterator[str]:
    if _parsed("ip_address", value) is None:
        yield f"{value or 'Nothing'} is neither an IPv4 nor an IPv6 address."


def _host(value: str) -> Iterator[str]:
    port = _PORT.fullmatch(value)
    host = (port["host"] if port else value).strip()
    if _NUMBERS.fullmatch(host) or _HEXADECIMAL.fullmatch(host):
        yield from _address(host.removeprefix("[").removesuffix("]"))


def _hosts(value: str) -> Iterator[str]:
    for host in value.split(","):
        yield from _host(host)


def _net(value: str) -> Iterator[str]:
    """Check the address of a network. xCAT writes IPv6 networks with their prefix: fd00::/64."""
    yield from _address(value.partition("/")[0])
    if "/" in value and _parsed("ip_network", value) is None:
        yield f"{value} is not a network."


def _mask(value: str) -> Iterator[str]:
    """Check a network mask: 255.255.255.0, /24 or 24, and /64 for an IPv6 network."""
    bits = value.removeprefix("/")
    if bits.isascii() and bits.isdigit():
        good = int(bits) <= 128
    else:
        good = "." in value and _parsed("IPv4Network", f"0.0.0.0/{value}") is not None
    if not good:
        yield f"{value} is neither a network mask nor the length of a prefix."


def _ranges(value: str) -> Iterator[str]:
    """Check ranges, first-last, with ; between them. A network may stand for a range."""
    for part in value.split(";"):
        first, last = (end.strip() for end in (*_RANGE_SIGN.split(part, maxsplit=1), "")[:2])
        yield from _address(first)
        if "/" in part:
            if _parsed("ip_network", part.strip()) is None:
                yield f"{part} is not a network."
            continue
        yield from _address(last)
        low, high = _parsed("ip_address", first), _parsed("ip_address", last)
        if low.version != high.version or low > high:
            yield f"{part} does not go from a lower address to a higher one."


def _interfaces(value: str) -> Iterator[str]:
    """Check a comma list of -suffix:address or name:address."""
    for item in value.split(","):
        name, _, address = item.strip().partition(":")
        yield from _address(address.strip()) if name else iter([f"{item}: a name is missing."])


def _of_nics(value: str) -> Iterator[str]:
    """Check the addresses of one interface, a|b, or of several, eth0!a|b,ib0!c. A computed value is checked later."""
    for text in pairs(value).values() if "!" in value else [value]:
        for address in () if text.startswith(("|", "/")) else text.split("|"):
            yield from _host(address)


def _parsed(kind: str, text: str) -> Any:
    import ipaddress

    try:
        return getattr(ipaddress, kind)(text)
    except ValueError:
        return None


FORMS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "address": _address,
    "host": _host,
    "hosts": _hosts,
    "interfaces": _interfaces,
    "mask": _mask,
    "net": _net,
    "nicips": _of_nics,
    "ranges": _ranges,
}
