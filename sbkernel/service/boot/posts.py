"""Status posts of nodes: what a node may say about its own boot, checked before anything believes it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from sbkernel.errors import SbkernelError

BODY_LIMIT = 16 * 1024
_VALUE_LIMIT = 1024
_FIELDS_LIMIT = 20
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FRACTIONS = frozenset({"uptime", "at", "seconds"})
_COUNTS = frozenset({"bytes", "memory_used", "number", "status"})
UNKNOWN = "from_unknown"
"""The field of a post that came from an address of which nobody knows that it is the node's: that address."""
_OURS = frozenset({"site", "node", "stage", "t", "source", UNKNOWN})

# stage -> xCAT's node status (xcat.md 1.2: powering-on, netbooting, booting, postbooting, booted, failed)
STATUS_OF_STAGE = {
    "power-on": "powering-on",
    "dhcp": "netbooting",
    "ipxe": "netbooting",
    "grub": "netbooting",
    "kernel": "netbooting",
    "initrd": "netbooting",
    "fetched": "booting",
    "verified": "booting",
    "mounted": "booting",
    "userspace": "booted",
    "postscripts": "postbooting",
    "syncfiles": "postbooting",
    "postscript": "postbooting",
    "booted": "booted",
    "login": "booted",
    "failed": "failed",
}
# what a node reports itself; the stages before are seen by others
POSTED_STAGES = frozenset(
    {
        "initrd",
        "fetched",
        "verified",
        "mounted",
        "userspace",
        "postscripts",
        "syncfiles",
        "postscript",
        "booted",
        "failed",
    }
)
_AFTER_USERSPACE = frozenset({"postscripts", "postscript", "failed"})
"""A login prompt tells nothing more of a node of which one of these is known."""


def status_after(stages: Iterable[str], seen: str) -> str | None:
    """Return the status of a node whose boot had some stages when another is seen; None: as it was."""
    if seen == "login" and _AFTER_USERSPACE.intersection(stages):
        return None
    return STATUS_OF_STAGE[seen]


class PostError(SbkernelError, ValueError):
    """A status post is wrong."""


@dataclass(frozen=True)
class Post:
    """A checked status post."""

    node: str
    stage: str
    data: dict[str, str | int | float]


def check_post(fields: Mapping[str, str], nodes: Container[str]) -> Post:
    """Return the post that form fields stand for; raise PostError for unknown nodes, stages and odd fields."""
    node, stage = fields.get("node", ""), fields.get("stage", "")
    if node not in nodes:
        raise PostError(f"no node {_clean(node)[:64]!r}")
    if stage not in POSTED_STAGES:
        raise PostError(f"no stage {_clean(stage)[:64]!r}", hint="one of " + " ".join(sorted(POSTED_STAGES)))
    if len(fields) > _FIELDS_LIMIT:
        raise PostError(f"more than {_FIELDS_LIMIT} fields")
    return Post(node, stage, {key: _value(key, value) for key, value in fields.items() if key not in _OURS})


def _value(key: str, value: str) -> str | int | float:
    if not _KEY.fullmatch(key):
        raise PostError(f"not a field name: {_clean(key)[:64]!r}")
    if len(value) > _VALUE_LIMIT:
        raise PostError(f"{key} is longer than {_VALUE_LIMIT} characters")
    if key not in _FRACTIONS | _COUNTS:
        return _clean(value)
    return _number(key, value)


def _number(key: str, value: str) -> int | float:
    try:
        number = float(value) if key in _FRACTIONS else int(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise PostError(f"{key} is not a number: {_clean(value)[:64]!r}")
    return number


def _clean(text: str) -> str:
    """Replace control characters: these words end up in terminals, logs and notebooks."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
