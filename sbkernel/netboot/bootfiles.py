"""The files below boot/: they are written as a whole, and tell what each node boots next."""

from __future__ import annotations

import contextlib
import functools
import re
from pathlib import Path

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


def state(boot: Path, node: str) -> str:
    """Return what a node boots next, in xCAT's words, from its boot script; `offline` if it has none."""
    head = _head(boot, node)
    return head["state"] if head else OFFLINE


def digests(boot: Path, node: str) -> set[str]:
    """Return the digests that the boot scripts of a node name: of images and of their files."""
    return digests_in(_scripts(boot, node))


def version(boot: Path, node: str) -> str:
    """Return the digest of the version that a node boots next, from its boot scripts; "" if it boots no image."""
    found = _VERSION.search(_scripts(boot, node))
    return found[1].decode() if found else ""


def digests_in(script: bytes) -> set[str]:
    """Return the digests that a boot file names."""
    return {digest.decode() for digest in _DIGEST.findall(script)}


def apply(boot: Path, plan: BootPlan) -> None:
    """Write the files of a plan, and the script last, so that all that it names exists. Remove what they replace."""
    old = _head(boot, plan.node)
    if old and old["mac"] != plan.mac:
        _forget_mac(boot, old["mac"], plan.node)
    grub = boot / grub_path(plan.node)
    for name in sorted(plan.files, key=functools.partial(_rank, plan.node)):
        # What is named by its digest, and is there, is as it was; it may be large, and the same for all nodes.
        if not (_DIGEST.search(name.encode()) and (boot / name).exists()):
            write_if_changed(boot / name, plan.files[name])
    if grub_path(plan.node) not in plan.files and grub.exists():
        if old:
            _forget_grub(boot, old["mac"], plan.node)
        _remove(grub)
    if plan.state == OFFLINE:
        _remove(boot / script_path(plan.node), boot / overlay_path(plan.node))


def _rank(node: str, name: str) -> tuple[int, str]:
    """Return where a file comes in order: what an overlay names, then the overlay, then what names that."""
    return (0 if _DIGEST.search(name.encode()) else 1 if name == overlay_path(node) else 2, name)


def write_common(boot: Path) -> None:
    """Write the script that every machine runs first."""
    write_if_changed(boot / "boot.ipxe", render_template("ipxe/boot.ipxe"))


def _head(boot: Path, node: str) -> dict[str, str] | None:
    text = _read(boot / script_path(node))
    match = _HEAD.match(text.decode(errors="replace")) if text else None
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


def _scripts(boot: Path, node: str) -> bytes:
    """Return what a node's scripts say, that of iPXE first."""
    return b"\n".join(_read(boot / path) or b"" for path in (script_path(node), grub_path(node)))


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
