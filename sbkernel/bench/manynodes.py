"""Definitions of many nodes as text, for both sides of a benchmark. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sbkernel.definitions.stanza import Stanza, render


def nodes(count: int) -> Iterator[Stanza]:
    """Yield nodes with what a node of a cluster has: three groups, a BMC, addresses, an image."""
    return (Stanza("node", f"n{number:06d}", _values(number)) for number in range(count))


def _values(number: int) -> dict[str, str]:
    low, middle, high = number & 255, number >> 8 & 255, number >> 16
    return {
        "arch": "x86_64",
        "bmc": f"10.{100 + high}.{middle}.{low}",
        "groups": f"all,compute,rack{number // 40}",
        "ip": f"10.{high}.{middle}.{low}",
        "mac": f"aa:bb:cc:{high:02x}:{middle:02x}:{low:02x}",
        "mgt": "ipmi",
        "netboot": "xnba",
        "os": "debian12",
        "profile": "compute",
        "serialport": "0",
        "serialspeed": "115200",
    }


def stanza_text(count: int) -> str:
    """Return the nodes as a stanza file."""
    return render(nodes(count))


def row_lines(count: int) -> str:
    """Return the nodes as lines of name, tab and JSON."""
    return "".join(f"{one.name}\t{json.dumps(one.values)}\n" for one in nodes(count))


def whole_range(count: int) -> str:
    """Return a noderange that names all nodes."""
    return f"n[000000-{count - 1:06d}]"
