"""The files below boot/: they are written as a whole, and tell what each node boots next."""

from __future__ import annotations

import contextlib
import functools
import re
from pathlib import Path
from typing import NamedTuple

from sbkernel.files import write_if_changed
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripts import grub_mac_path, grub_path, mac_path, overlay_path, script_path

_HEAD = re.compile(r"#!ipxe\n# (?P<state>[^\n]+)\n# (?P<mac>[0-9a-f-]{17}) (?P<node>\S+):")
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")
_VERSION = re.compile(rb"^(?:kernel|    *if linux) (?:--timeout \d+ )?\S*catalog/([0-9a-f]{64})/", re.MULTILINE)
OFFLINE = "offline"
SUFFIXES = (".ipxe", ".grub")
"""The ends of the names of a node's scripts."""


class Scripts(NamedTuple):
    """What the scripts of a node say; b"" where it has none."""

    ipxe: bytes
    grub: bytes

    @property
    def digests(self) -> set[str]:
        """Return the digests that they name: of images and of their files."""
        return digests_in(self.ipxe) | digests_in(self.grub)

    @property
    def mac(self) -> str:
        """Return the MAC address of the node when they were written, with dashes; "" if that cannot be told."""
        head = _head(self.ipxe)
        return head["mac"] if head else ""


def read(boot: Path, node: str) -> Scripts:
    """Return what the scripts of a node say."""
    return Scripts(_read(boot / script_path(node)) or b"", _read(boot / grub_path(node)) or b"")


def state(boot: Path, node: str) -> str:
    """Return what a node boots next, in xCAT's words, from its boot script; `offline` if it has none."""
    head = _head(_read(boot / script_path(node)) or b"")
    return head["state"] if head else OFFLINE


def digests(boot: Path, node: str) -> set[str]:
    """Return the digests that the boot scripts of a node name: of images and of their files."""
    return read(boot, node).digests


def version(boot: Path, node: str) -> str:
    """Return the digest of the version that a node boots next, from its boot scripts; "" if it boots no image."""
    found = _VERSION.search(b"\n".join(read(boot, node)))
    return found[1].decode() if found else ""


def digests_in(script: bytes) -> set[str]:
    """Return the digests that a boot file names."""
    return {digest.decode() for digest in _DIGEST.findall(script)}


def is_written(plan: BootPlan, scripts: Scripts) -> bool:
    """Tell whether a node has the scripts of a plan already."""
    ipxe, grub = (plan.files.get(path, b"") for path in (script_path(plan.node), grub_path(plan.node)))
    return (ipxe, grub) == scripts


def apply(boot: Path, plan: BootPlan, old: Scripts) -> None:
    """Write the files of a plan, and the script last, so that all that it names exists. Remove what they replace.

    `old` are the scripts that the node had before.
    """
    if old.mac not in ("", plan.mac):
        _forget_mac(boot, old.mac, plan.node)
    for name in sorted(plan.files, key=functools.partial(_rank, plan.node)):
        # What is named by its digest, and is there, is as it was; it may be large, and the same for all nodes.
        if not (_DIGEST.search(name.encode()) and (boot / name).exists()):
            write_if_changed(boot / name, plan.files[name])
    if old.grub and grub_path(plan.node) not in plan.files:
        if old.mac:
            _forget_grub(boot, old.mac, plan.node)
        _remove(boot / grub_path(plan.node))
    if plan.state == OFFLINE:
        _remove(boot / script_path(plan.node), boot / overlay_path(plan.node))


def _rank(node: str, name: str) -> tuple[int, str]:
    """Return where a file comes in order: what an overlay names, then the overlay, then what names that."""
    return (0 if _DIGEST.search(name.encode()) else 1 if name == overlay_path(node) else 2, name)


def write_common(boot: Path) -> None:
    """Write the script that every machine runs first."""
    write_if_changed(boot / "boot.ipxe", render_template("ipxe/boot.ipxe"))


def _head(script: bytes) -> dict[str, str] | None:
    match = _HEAD.match(script.decode(errors="replace"))
    return match.groupdict() if match else None


def _forget_mac(boot: Path, mac: str, node: str) -> None:
    """Remove the scripts of an address that the node no longer has, unless another node has it now."""
    path = boot / mac_path(mac)
    if f"../nodes/{node}.ipxe\n".encode() in (_read(path) or b""):
        _remove(path)
    _forget_grub(boot, mac, node)


def _forget_grub(boot: Path, mac: str, node: str) -> None:
    path = boot / grub_mac_path(mac)
    if f"/nodes/{node}.grub\n".encode() in (_read(path) or b""):
        _remove(path)


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
