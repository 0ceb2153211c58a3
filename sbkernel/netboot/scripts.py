"""The scripts by which a node boots, for iPXE and for GRUB: where they lie below boot/, and what they say. Pure.

A node has the script of iPXE in any case, since `nodeset stat` reads it. That of a node which boots by GRUB
(netboot=grub2) leads to GRUB, should iPXE come first: in the ROM of a card, for example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sbkernel.architectures import architecture
from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError
from sbkernel.netboot.loaders import GRUB_BIOS
from sbkernel.netboot.names import node_file_name
from sbkernel.netboot.render import render_template

GRUB_WORDS = ("grub2", "grub2-http")
"""The values of netboot that mean GRUB."""
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=+@%-]+")
_WHAT_GRUB_CHANGES = re.compile(r"['\"\\]")
"""GRUB puts a backslash before each of these when it hands the command line to the kernel (grub-core/lib/cmdline.c)."""


@dataclass(frozen=True)
class Load:
    """What a node loads: the URLs of kernel and initrd ("" for none), the kernel's command line.

    `state` is nodeset's word for it, `boots` says in a comment what it is, `base` where it comes from in a message.
    Of several `servers` (HOST:PORT, the one in the URLs first) each has it at the same `path`.
    """

    state: str
    boots: str
    base: str
    kernel: str
    initrd: str
    command_line: str
    servers: tuple[str, ...] = ()
    path: str = ""


def boots_by_grub(node: Definition) -> bool:
    """Tell whether a node boots by GRUB (netboot), and not by iPXE."""
    return node.get("netboot") in GRUB_WORDS


def script_path(node: str) -> str:
    """Return the path of a node's script for iPXE below boot/."""
    return f"nodes/{node_file_name(node)}.ipxe"


def grub_path(node: str) -> str:
    """Return the path of a node's script for GRUB below boot/."""
    return f"nodes/{node_file_name(node)}.grub"


def overlay_path(node: str) -> str:
    """Return the path of a node's own files below boot/."""
    return f"nodes/{node_file_name(node)}.overlay.tar"


def mac_path(mac: str) -> str:
    """Return the path, below boot/, of iPXE's script that leads from a MAC address to its node."""
    return f"by-mac/{mac}.ipxe"


def grub_mac_path(mac: str) -> str:
    """Return the path of GRUB's; such names GRUB looks for by itself (GRUB manual, Network)."""
    return f"grub2/grub.cfg-01-{mac}"


def loading(node: Definition, mac: str, load: Load, osarch: str) -> dict[str, bytes]:
    """Return the scripts that load something. Raises NodeError for what GRUB would change on its way to the kernel."""
    if not boots_by_grub(node):
        return _scripts(node.name, mac, render_template("ipxe/node.ipxe", node=node.name, mac=mac, **vars(load)))
    words = vars(load) | {
        "command_line": " ".join(_quoted(node, load.command_line.split())),
        "sources": [_source(node, load, server) for server in load.servers or ("",)],
    }
    return _by_grub(node, mac, load.state, load.boots, osarch, render_template(
        "grub/node.cfg", node=node.name, mac=mac, **words
    ))  # fmt: skip


def leaving(node: Definition, mac: str, state: str) -> dict[str, bytes]:
    """Return the scripts that leave the network, so that the disk boots."""
    if not boots_by_grub(node):
        return _scripts(node.name, mac, render_template("ipxe/local.ipxe", state=state, node=node.name, mac=mac))
    script = render_template("grub/local.cfg", state=state, node=node.name, mac=mac)
    return _by_grub(node, mac, state, "the local disk", node.get("arch") or "x86_64", script)


def _by_grub(node: Definition, mac: str, state: str, boots: str, osarch: str, script: str) -> dict[str, bytes]:
    ipxe = render_template(
        "ipxe/grub.ipxe", state=state, mac=mac, node=node.name, boots=boots,
        efi_loader=architecture(osarch).grub_loader, bios_loader=GRUB_BIOS,
    )  # fmt: skip
    return {
        grub_path(node.name): script.encode(),
        script_path(node.name): ipxe.encode(),
        grub_mac_path(mac): render_template("grub/by-mac.cfg", node=node.name).encode(),
        **_leads(node.name, mac),
    }


def _scripts(node: str, mac: str, script: str) -> dict[str, bytes]:
    return {script_path(node): script.encode(), **_leads(node, mac)}


def _leads(node: str, mac: str) -> dict[str, bytes]:
    return {mac_path(mac): render_template("ipxe/by-mac.ipxe", node=node, mac=mac).encode()}


def with_variables(script: bytes, node: str, mac: str) -> bytes:
    """Return a script for iPXE with the variables that by-mac.ipxe sets, instead of a name and an address."""
    return script.replace(node.encode(), b"${node}").replace(mac.encode(), b"${card}")


def _quoted(node: Definition, words: Iterable[str]) -> Iterable[str]:
    """Yield the words of a command line so that GRUB takes each as it is; in single quotes nothing has a meaning."""
    for word in words:
        if _WHAT_GRUB_CHANGES.search(word):
            raise NodeError(
                node.name,
                f"GRUB would put backslashes into {word}, a word of its kernel command line",
                hint=f"leave out quotes and backslashes, or sb chdef {node.name} netboot=xnba",
            )
        yield word if _PLAIN.fullmatch(word) else f"'{word}'"


def _source(node: Definition, load: Load, server: str) -> tuple[str, str, str]:
    """Return how GRUB names kernel and initrd on a server, and the server; "" stands for the one in their URLs."""
    kernel, initrd = (_grub_place(node, url, server) if url else "" for url in (load.kernel, load.initrd))
    return kernel, initrd, server


def _grub_place(node: Definition, url: str, server: str) -> str:
    """Return how GRUB names what is at a URL, perhaps on another server: (http,HOST:PORT)/PATH."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "tftp"):
        raise NodeError(node.name, f"GRUB does not load from {url}", hint="give a URL that begins with http://")
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return next(iter(_quoted(node, [f"({parts.scheme},{server or parts.netloc}){rest}"])))
