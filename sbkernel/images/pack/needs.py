"""What a node needs in its initrd to read a root; found out before anything is packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.catalog import signatures
from sbkernel.images.initrd.files import modules_directory
from sbkernel.images.initrd.programs import Program, programs_for
from sbkernel.images.initrd.rootkinds import RootKind
from sbkernel.images.pack import verity
from sbkernel.images.pack.compressors import compressor_of
from sbkernel.images.pack.format import Format
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.rootimgdir import INITRD, RootimgDir
from sbkernel.packages import treefile

# In the initrds of genimage since roots can be archives, stacks, and signed or other than squashfs.
_UNPACKS, _STACKS, _VERIFIES = (f"lib/sbkernel/{name}.sh\0".encode() for name in ("unpack", "layers", "verify"))
_ALWAYS_THERE = "squashfs"


def programs(
    packed: Format,
    image: str,
    built: RootimgDir,
    *,
    tree: bool = False,
    signed: bool = False,
    kinds: Mapping[str, RootKind] | None = None,
) -> tuple[Program, ...]:
    """Return the programs to add to the initrd, for a hash `tree`, a signature and some `kinds` of root too.

    BuildError if nodes could not read the root all the same.
    """
    kinds = kinds or {}
    needs = list(_needs(packed, tree=tree, signed=signed))
    initrd = _content(built.initrd) if needs or kinds else b""
    for script, what, without in needs:
        if script not in initrd:
            raise BuildError(
                f"the initrd of image '{image}' is older than {what}: it could only mount {without}",
                hint=f"sb genimage {image}",
            )
    if not packed.unpacked and packed.described["method"] != _ALWAYS_THERE:
        _check_kernel(packed.described["method"], initrd, image, built)
    for name, kind in kinds.items():
        _check_kind(name, kind, initrd, image, built)
    names = [*packed.node_programs, *([verity.NODE_PROGRAM] if tree else [])]
    added = [
        *names,
        *([signatures.NODE_PROGRAM] if signed else []),
        *(one for kind in kinds.values() for one in kind.programs),
    ]
    return programs_for(
        list(dict.fromkeys(added)), built.tree, without="with -m squashfs, which needs no program" if names else ""
    )


def stacks(built: RootimgDir, sha256: str) -> bool:
    """Tell whether the initrd can mount several roots over each other: genimage has noted it, or it has the script.

    `sha256` is its sum.
    """
    noted = built.record().get("outcomes", {}).get(INITRD, {}).get("facts", {})
    if "scripts" in noted and noted.get("sha256") == sha256:
        return "layers.sh" in noted["scripts"]
    return _STACKS in _content(built.initrd)


def _needs(packed: Format, *, tree: bool, signed: bool) -> Iterator[tuple[bytes, str, str]]:
    """Yield which script an initrd must have, for what, and what it knows without."""
    if packed.unpacked:
        yield _UNPACKS, f"-m {packed.described['method']}", "a root"
    elif packed.described["method"] != _ALWAYS_THERE:
        yield _VERIFIES, f"-m {packed.described['method']}", "squashfs"
    if tree:
        yield _VERIFIES, "--verity", "a root whose sum was made"
    if signed:
        yield _VERIFIES, "signatures", "a root of anybody"


def _check_kernel(filesystem: str, initrd: bytes, image: str, built: RootimgDir) -> None:
    """Raise BuildError if a kernel cannot mount a file system."""
    if not _has_driver(filesystem, initrd, built):
        raise BuildError(f"the kernel of image '{image}' cannot mount {filesystem}", hint="pack with -m squashfs")


def _check_kind(name: str, kind: RootKind, initrd: bytes, image: str, built: RootimgDir) -> None:
    """Raise BuildError if genimage made the initrd before the osimage asked for a kind of root."""
    scripted = f"lib/sbkernel/{name}.sh\0".encode() in initrd
    if not scripted or not all(_has_driver(driver, initrd, built) for driver in kind.drivers):
        raise BuildError(
            f"the initrd of image '{image}' was made before rootkind={name} was asked for", hint=f"sb genimage {image}"
        )


def _has_driver(name: str, initrd: bytes, built: RootimgDir) -> bool:
    """Tell whether a driver is in the initrd, or built into the kernel."""
    if f"/{name}.ko\0".encode() in initrd:
        return True
    modules = modules_directory(built.tree, built.record().get("kernelver", ""))
    builtin = treefile.read(built.tree, str(modules.relative_to(built.tree) / "modules.builtin")) or ""
    return f"/{name}.ko" in builtin


def _content(initrd: Path) -> bytes:
    """Return the archive in an initrd, without the programs that may stand behind it."""
    with initrd.open("rb") as stream:
        compressor = compressor_of(stream.read(8))
    if compressor is None:
        return initrd.read_bytes()
    with decompressed(initrd, compressor.undo_argv(), whole=False) as archive:
        return archive.read()
