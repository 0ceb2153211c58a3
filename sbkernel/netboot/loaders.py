"""The boot loaders below boot/: what DHCP names, and TFTP and HTTP bring. iPXE is copied, GRUB is made here.

GRUB has its first commands and all that it needs within it, so that one file is enough whatever brought it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sbkernel.architectures import ARCHITECTURES, architecture
from sbkernel.errors import SbkernelError
from sbkernel.files import made, write_whole, writing
from sbkernel.netboot.render import render_template

DIRECTORY = "loaders"
LOADERS = Path("/usr/lib/ipxe")
"""The directory of undionly.kpxe (BIOS), ipxe.efi and ipxe-arm64.efi (UEFI) in Debian's package ipxe."""
GRUB = Path("/usr/lib/grub")
"""The directory of GRUB's modules, by platform."""
IPXE_BIOS, GRUB_BIOS, _BIOS = "undionly.kpxe", "grub.0", "i386-pc"
_PACKAGES = {_BIOS: "grub-pc-bin", "x86_64-efi": "grub-efi-amd64-bin", "arm64-efi": "grub-efi-arm64-bin"}
_MODULES = [
    *("memdisk", "tar", "normal", "configfile", "regexp", "test", "true", "echo", "sleep", "minicmd", "reboot"),
    *("net", "http", "tftp", "linux", "chain", "part_gpt", "part_msdos", "fat", "ext2", "xfs"),
]
_OWN_MODULES = {_BIOS: ["pxe"], "x86_64-efi": ["efinet", "efi_gop"], "arm64-efi": ["efinet", "efi_gop"]}


def lay_ipxe(boot: Path, loaders: Path = LOADERS) -> Path:
    """Copy the files of iPXE that this host has to below boot/; return their directory."""
    directory = made(boot / DIRECTORY)
    for name in (IPXE_BIOS, *(one.efi_loader for one in ARCHITECTURES.values() if one.efi_loader)):
        source, copy = loaders / name, directory / name
        if source.is_file() and not (copy.is_file() and _age(copy) == _age(source)):
            with writing(copy) as file:
                file.write(source.read_bytes())
            shutil.copystat(source, copy)
    return directory


def lay_grub(boot: Path, http_port: int, osarch: str, *, bios: bool) -> str:
    """Make GRUB for the BIOS or the UEFI of an architecture, below boot/, unless it is there; return its file's name.

    It looks for our web server on `http_port` of the host that DHCP names. Raises SbkernelError without its modules.
    """
    one = architecture(osarch)
    platform, name = (_BIOS, GRUB_BIOS) if bios else (one.grub, one.grub_loader)
    if not _has(platform):
        raise _missing(osarch, [platform])
    begin = render_template("grub/begin.cfg", http_port=http_port)
    parts = (begin, platform, _MODULES, _age(GRUB / platform / "kernel.img"))
    wanted = hashlib.sha256(repr(parts).encode()).hexdigest()
    # The name begins with a dot, so that nobody is served it.
    file, note = made(boot / DIRECTORY) / name, boot / DIRECTORY / f".{name}.made-from"
    if not (file.is_file() and note.is_file() and note.read_text() == wanted):
        write_whole(file, _made(platform, begin))
        write_whole(note, wanted.encode())
    return name


def lay_every_grub(boot: Path, http_port: int) -> None:
    """Make GRUB for every firmware whose modules this host has: nodeset does not know which one a machine has."""
    if _has(_BIOS):
        lay_grub(boot, http_port, "x86_64", bios=True)
    for one in ARCHITECTURES.values():
        if _has(one.grub):
            lay_grub(boot, http_port, one.osarch, bios=False)


def check_grub(osarch: str) -> None:
    """Raise SbkernelError where this host can make no GRUB for any firmware of an architecture."""
    platforms = list(_platforms(osarch))
    if not any(_has(platform) for platform in platforms):
        raise _missing(osarch, platforms)


def _platforms(osarch: str) -> Iterator[str]:
    if osarch in ("x86_64", "x86"):
        yield _BIOS
    if found := architecture(osarch).grub:
        yield found


def _has(platform: str) -> bool:
    return bool(platform) and (GRUB / platform / "kernel.img").is_file()


def _missing(osarch: str, platforms: list[str]) -> SbkernelError:
    packages = " ".join(_PACKAGES[platform] for platform in platforms if platform in _PACKAGES)
    return SbkernelError(
        f"there is no GRUB for {osarch} here",
        hint=f"install grub-common {packages}, or set netboot=xnba" if packages else "set netboot=xnba",
    )


def _made(platform: str, begin: str) -> bytes:
    # Most sites have no GRUB to make, and what starts programs takes long to import.
    from sbkernel.jobs.run import run

    with tempfile.TemporaryDirectory() as directory:
        files = Path(directory)
        (files / "memdisk").write_bytes(_tar("begin.cfg", begin.encode()))
        (files / "first.cfg").write_text("normal (memdisk)/begin.cfg\n")
        form = "i386-pc-pxe" if platform == _BIOS else platform
        modules = _MODULES + _OWN_MODULES[platform]
        run([
            "grub-mkimage", "-O", form, "-d", GRUB / platform, "-o", files / "made", "-p", "(memdisk)",
            "-c", files / "first.cfg", "-m", files / "memdisk", *modules,
        ])  # fmt: skip
        return (files / "made").read_bytes()


def _tar(name: str, content: bytes) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            tar.addfile(member, io.BytesIO(content))
        return file.getvalue()


def _age(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, int(status.st_mtime)
