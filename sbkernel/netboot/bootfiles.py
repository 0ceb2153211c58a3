"""The files below boot/: they are written as a whole, and tell what each node boots next."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from sbkernel.files import AT_ONCE, Identity, write_if_changed
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.linkedfolder import LinkedFolder
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripts import grub_mac_path, grub_path, mac_path, overlay_path, script_path

_HEAD = re.compile(rb"#!ipxe\n# (?P<state>[^\n]+)\n# (?P<mac>[0-9a-f-]{17}|\$\{card\}) \S+:")
_LEADS = re.compile(rb"\.\./nodes/(\S+)\.ipxe\n")
_SETS = b"\nset card "
"""What by-mac.ipxe has since scripts are shared."""
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")
_DIGEST_LENGTH = 64
_NAMED_BY_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_VERSION = re.compile(rb"^(?:kernel|    *if linux) (?:--timeout \d+ )?\S*catalog/([0-9a-f]{64})/", re.MULTILINE)
OFFLINE = "offline"
SUFFIXES = (".ipxe", ".grub")
"""The ends of the names of a node's scripts."""


class Scripts(NamedTuple):
    """What the scripts of a node say; b"" where it has none."""

    ipxe: bytes
    grub: bytes

    def of(self, node: str) -> dict[str, bytes]:
        """Return them by path below boot/; b"" for one that there is not."""
        return {script_path(node): self.ipxe, grub_path(node): self.grub}

    @property
    def digests(self) -> set[str]:
        """Return the digests that they name: of images and of their files."""
        return digests_in(self.ipxe) | digests_in(self.grub)

    @property
    def mac(self) -> str:
        """Return the MAC address of the node when they were written, with dashes; "" if they do not tell."""
        head = _HEAD.match(self.ipxe)
        return head["mac"].decode() if head and head["mac"][:1] != b"$" else ""


def read(boot: Path, node: str) -> Scripts:
    """Return what the scripts of a node say."""
    return Scripts(_read(boot / script_path(node)) or b"", _read(boot / grub_path(node)) or b"")


def state(boot: Path, node: str) -> str:
    """Return what a node boots next, in xCAT's words, from its boot script; `offline` if it has none."""
    head = _HEAD.match(_read(boot / script_path(node)) or b"")
    return head["state"].decode(errors="replace") if head else OFFLINE


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
    held = plan.files.get(script_path(plan.node), b""), plan.files.get(grub_path(plan.node), b"")
    return held == scripts


class BootFiles:
    """The files of nodes below boot/, to read and write those of thousands. Use it as a context manager."""

    def __init__(self, boot: Path) -> None:
        self._boot = boot
        self._folders: dict[str, LinkedFolder] = {}
        self._open = contextlib.ExitStack()
        self._addresses: dict[str, set[str]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        self._open.close()

    @property
    def seen(self) -> Mapping[str, Mapping[str, Identity]]:
        """Return the files that were read or written so far, as they were then, by directory and name."""
        return {place: folder.seen for place, folder in self._folders.items()}

    def scripts(self, node: str) -> Scripts:
        """Return what the scripts of a node say."""
        folder, name = self._place(script_path(node))
        return Scripts(folder.read_shared(name) or b"", self._read(grub_path(node)))

    def apply(self, plan: BootPlan, old: Scripts) -> None:
        """Write the files of a plan in its order, and remove what they replace.

        `old` are the scripts that the node had before.
        """
        written: dict[str, bytes | None] = {}
        if any(old):
            written |= old.of(plan.node)
            leads = written[mac_path(plan.mac)] = self._read(mac_path(plan.mac)) if plan.mac else b""
            for mac in self._former(old.mac, plan, leads):
                self._forget_mac(mac, plan.node)
        for path, content in _in_order(plan, old, written.get(mac_path(plan.mac)) or b"").items():
            if _is_by_digest(path):
                self._write_by_digest(path, content)
                continue
            folder, name = self._place(path)
            before = written[path] if path in written else folder.read(name)
            if before == content:
                continue
            if plan.shared and path == script_path(plan.node):
                folder.share(name, content, is_new=not before)
            # Who finds a new script empty finds nothing, and nobody asks for an overlay before there is a script.
            elif not before and (len(content) <= AT_ONCE or (not written and path == overlay_path(plan.node))):
                folder.create(name, content)
            else:
                folder.write(name, content)
        if old.grub and grub_path(plan.node) not in plan.files:
            # A script that is shared tells no address: it is of a run that was killed before it came here.
            if mac := old.mac or plan.mac:
                self._forget_grub(mac, plan.node)
            self._remove(grub_path(plan.node))
        if plan.state == OFFLINE:
            self._remove(script_path(plan.node))
            self._remove(overlay_path(plan.node))

    def _write_by_digest(self, path: str, content: bytes) -> None:
        """Write what is named by its digest. What is there is right; it may be large, and the same for all nodes."""
        if not (self._boot / path).exists():
            folder, name = self._place(path)
            folder.write(name, content)

    def _former(self, told: str, plan: BootPlan, leads: bytes) -> set[str]:
        """Return the addresses of a node that has others now.

        `told` is what its script told, "" if that is one of many nodes; `leads` is what leads from the present one.
        """
        if told:
            return {told} - {plan.mac}
        if _leads_to(plan.node, leads):
            return set()
        if plan.address and _leads_to(plan.node, self._read(mac_path(plan.address))):
            return {plan.address}
        if self._addresses is None:
            self._addresses = self._all_addresses()
        return self._addresses.get(plan.node, set()) - {plan.mac}

    def _all_addresses(self) -> dict[str, set[str]]:
        """Return the addresses that lead to nodes, by node. All are read, which only few have to wait for."""
        found: dict[str, set[str]] = {}
        with contextlib.suppress(FileNotFoundError):
            for path in (self._boot / mac_path("")).parent.glob("[!.]*.ipxe"):
                if leads := _LEADS.search(_read(path) or b""):
                    found.setdefault(leads[1].decode(), set()).add(path.stem)
        return found

    def _forget_mac(self, mac: str, node: str) -> None:
        """Remove the scripts of an address that the node no longer has, unless another node has it now."""
        self._remove_if(mac_path(mac), lambda leads: _leads_to(node, leads))
        self._forget_grub(mac, node)

    def _forget_grub(self, mac: str, node: str) -> None:
        words = f"/nodes/{node}.grub\n".encode()
        self._remove_if(grub_mac_path(mac), lambda leads: words in leads)

    def _remove_if(self, path: str, wanted: Callable[[bytes], bool]) -> None:
        """Remove a file that holds what is wanted. Another process may be about to give an address to another node."""
        folder, name = self._place(path)
        folder.remove_if(name, wanted)

    def _read(self, path: str) -> bytes:
        folder, name = self._place(path)
        return folder.read(name) or b""

    def _remove(self, path: str) -> None:
        folder, name = self._place(path)
        folder.remove(name)

    def _place(self, path: str) -> tuple[LinkedFolder, str]:
        directory, _, name = path.rpartition("/")
        if directory not in self._folders:
            self._folders[directory] = self._open.enter_context(LinkedFolder(self._boot / directory))
        return self._folders[directory], name


def _in_order(plan: BootPlan, old: Scripts, leads: bytes) -> Mapping[str, bytes]:
    """Return the files of a plan in the order in which they are written.

    `leads` is what leads from the address now. If it sets no variables, as older versions wrote it, what does comes
    first: a script sends who comes without them back to it, again and again if this process is killed.
    """
    path = mac_path(plan.mac)
    if path in plan.files and old.ipxe and leads and _SETS not in leads:
        return {path: plan.files[path], **plan.files}
    return plan.files


def _leads_to(node: str, leads: bytes) -> bool:
    known = _LEADS.search(leads)
    return bool(known and known[1].decode() == node)


def _is_by_digest(path: str) -> bool:
    return len(path) > _DIGEST_LENGTH and bool(_NAMED_BY_DIGEST.search(path))


def write_common(boot: Path) -> None:
    """Write the script that every machine runs first."""
    write_if_changed(boot / "boot.ipxe", render_template("ipxe/boot.ipxe"))


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None
