"""Check node names before they become paths, and MAC addresses before they go into boot files."""

from __future__ import annotations

import functools
import re

from sbkernel.errors import DefinitionError

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
_MAC = re.compile(r"[0-9a-f]{2}(-[0-9a-f]{2}){5}")
_USUAL = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}")


@functools.lru_cache(maxsize=64)
def node_file_name(node: str) -> str:
    """Return the name of a node if it is safe as the name of a file. Raises DefinitionError."""
    if not _NODE.fullmatch(node):
        raise DefinitionError(f"{node!r} is not a node name", hint="letters, digits, - and _")
    return node


def dashed_mac(mac: str) -> str:
    """Return the first address of the attribute `mac` in the form that iPXE calls hexhyp: 52-54-00-12-34-56.

    The attribute may hold several: `mac1!name1|mac2!name2` (xCAT's mac table). Raises DefinitionError if it has none.
    """
    if _USUAL.fullmatch(mac):
        return mac.replace(":", "-")
    dashed = mac.split("|")[0].split("!")[0].strip().lower().replace(":", "-")
    if not _MAC.fullmatch(dashed):
        raise DefinitionError(f"{mac!r} is not a MAC address", hint="write it as 52:54:00:12:34:56")
    return dashed
