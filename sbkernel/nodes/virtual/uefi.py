"""What the UEFI firmware of a virtual node fetches on QEMU's user network: iPXE by TFTP, and the script it begins with.

The BIOS of others has iPXE in its network card, which reads a boot script by itself.
"""

from __future__ import annotations

from pathlib import Path

from sbkernel.architectures import Architecture
from sbkernel.errors import SbkernelError
from sbkernel.files import made, write_if_changed
from sbkernel.netboot.dhcp import LOADERS
from sbkernel.netboot.names import node_file_name
from sbkernel.netboot.render import render_template
from sbkernel.site import Site

# iPXE asks the server that it came from for this file before anything else.
SCRIPT = "autoexec.ipxe"


def lay(site: Site, node: str, one: Architecture, url: str, loaders: Path = LOADERS) -> Path:
    """Write the directory that QEMU serves by TFTP to a node, whose boot script is at `url`; return it.

    Raises SbkernelError where this host has no iPXE for the architecture.
    """
    loader = loaders / one.efi_loader
    check_loader(one, loaders)
    directory = made(site.run / f"{node_file_name(node)}.tftp")
    link = directory / loader.name
    if not link.is_symlink() or link.readlink() != loader:
        link.unlink(missing_ok=True)
        link.symlink_to(loader)
    write_if_changed(directory / SCRIPT, render_template("ipxe/autoexec.ipxe", node=node, url=url))
    return directory


def check_loader(one: Architecture, loaders: Path = LOADERS) -> None:
    """Raise SbkernelError where this host has no iPXE for the UEFI firmware of an architecture."""
    if not (loaders / one.efi_loader).is_file():
        raise SbkernelError(
            f"no boot loader for {one.osarch}: {loaders / one.efi_loader} is not there",
            hint="the package ipxe of Debian 13 has it, that of Debian 12 has not; the file alone is enough",
        )
