"""The firmware of a virtual node: which one it has, where UEFI keeps its variables, and what it fetches first.

On QEMU's user network nobody tells a firmware from the iPXE that it has fetched, so that iPXE must come from elsewhere:
from the ROM of the card, or with a script that lies beside it.
"""

from __future__ import annotations

from pathlib import Path

from sbkernel.architectures import ARCHITECTURES, Architecture, Uefi, VirtualHardware
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import BIOS, UEFI
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import made, write_if_changed, writing
from sbkernel.netboot.loaders import LOADERS
from sbkernel.netboot.names import node_file_name
from sbkernel.netboot.render import render_template
from sbkernel.site import Site

# iPXE asks the server that it came from for this file before anything else.
SCRIPT = "autoexec.ipxe"
_PIECE = 65536


def firmware_of(node: Definition, hardware: VirtualHardware) -> str:
    """Return the firmware of a virtual node (vmfirmware). Raises DefinitionError where its machine cannot have it."""
    wanted = node.get("vmfirmware")
    if wanted == BIOS and not hardware.bios:
        raise DefinitionError(f"{node.name}: its machine has no BIOS", hint=f"sb chdef {node.name} vmfirmware=")
    return wanted or (BIOS if hardware.bios else UEFI)


def variables(site: Site, node: str, osarch: str, uefi: Uefi) -> Path:
    """Return the file in which UEFI keeps the variables of a node; make it where there is none that fits.

    Raises SbkernelError where this host lacks the firmware.
    """
    for file in (Path(uefi.code), Path(uefi.variables)):
        if not file.is_file():
            raise SbkernelError(
                f"no UEFI firmware: {file} is not there", hint=f"install the Debian package {uefi.package}"
            )
    empty, path = Path(uefi.variables), made(site.root / "firmware", 0o700) / f"{node_file_name(node)}.{osarch}.fd"
    if not path.is_file() or path.stat().st_size != empty.stat().st_size:
        _copy(empty, path)
    return path


def forget_variables(site: Site, node: str) -> None:
    """Remove what UEFI has kept of a node."""
    for osarch in ARCHITECTURES:
        (site.root / "firmware" / f"{node_file_name(node)}.{osarch}.fd").unlink(missing_ok=True)


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


def _copy(empty: Path, path: Path) -> None:
    """Copy a store without its empty rest, which takes no room: that of aarch64 is of 64 MiB."""
    with empty.open("rb") as source, writing(path, mode=0o600) as file:
        while piece := source.read(_PIECE):
            if piece.count(0) == len(piece):
                file.seek(len(piece), 1)
            else:
                file.write(piece)
        file.truncate(file.tell())
