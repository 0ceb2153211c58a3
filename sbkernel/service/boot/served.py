"""What the boot web server gives away: regular files under boot/ and catalog/, and what fetching them means."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from sbkernel.site import Site

_SEGMENT = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_BOOT_SCRIPT = re.compile(r"/boot/nodes/([^/]+)\.(ipxe|grub)")
_KERNEL = re.compile(r"/(?:boot|catalog)/(?:[^/]+/)+kernel")


class Offer(NamedTuple):
    """What a site gives away: at which port, from which directories by the first name of a path."""

    port: int
    tops: dict[str, Path]

    @classmethod
    def of(cls, site: Site) -> Self:
        """Read it from the store."""
        return cls(site.http_port, {"boot": site.boot, "catalog": site.catalog})


def find_served(tops: dict[str, Path], path: str) -> Path | None:
    """Return the file a decoded URL path (`/boot/...`) names, None unless it is a regular file under a served top.

    A symbolic link may lead from one served top to another, not out of them. Names that begin with a dot
    (files being written, `..`) are not served, and directories are not listed.
    """
    top, _, rest = path.removeprefix("/").partition("/")
    names = rest.split("/")
    if top not in tops or any(name.startswith(".") or not _SEGMENT.fullmatch(name) for name in names):
        return None
    try:
        found = tops[top].joinpath(*names).resolve(strict=True)
        inside = any(found.is_relative_to(served.resolve()) for served in tops.values())
        return found if inside and found.is_file() else None
    except (OSError, RuntimeError):
        return None


@dataclass
class Fetches:
    """Tell which node fetches what, for the stages that only the web server sees.

    A boot script names its node. A kernel is the node's that its URL names (`?node=`), else the one whose boot
    script was last fetched from the same address: nodes behind QEMU's user network share ours.
    """

    last_by_address: dict[str, str] = field(default_factory=dict)

    def stage_of(self, path: str, hint: str, address: str, nodes: Container[str]) -> tuple[str, str] | None:
        """Return (node, stage `ipxe`, `grub` or `kernel`) of a fetch by GET, None when it tells nothing."""
        if script := _BOOT_SCRIPT.fullmatch(path):
            node = script[1]
            if node not in nodes:
                return None
            self.last_by_address[address] = node
            return node, script[2]
        if _KERNEL.fullmatch(path):
            node = hint or self.last_by_address.get(address, "")
            return (node, "kernel") if node in nodes else None
        return None
