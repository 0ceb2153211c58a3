"""What a node needs in its initrd to read a root; found out before anything is packed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.catalog import signatures
from sbkernel.images.initrd.files import modules_directory
from sbkernel.images.initrd.programs import Program, programs_for
from sbkernel.images.pack import verity
from sbkernel.images.pack.compressors import compressor_of
from sbkernel.images.pack.format import Format
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.packages import treefile

# In the initrds of genimage since roots can be archives, stacks, and signed or other than squashfs.
_UNPACKS, _STACKS, _VERIFIES = (f"lib/sbkernel/{name}.sh\0".encode() for name in ("unpack", "layers", "verify"))
_ALWAYS_THERE = "squashfs"


def programs(
    packed: Format, image: str, built: RootimgDir, *, tree: bool = False, signed: bool = False
) -> tuple[Program, ...]:
    """Return the programs to add to the initrd, for a hash `tree` and a signature too.

    BuildError if nodes could not read the root all the same.
    """
    needs = list(_needs(packed, tree=tree, signed=signed))
    initrd = _content(built.initrd) if needs else b""
    for script, what, without in needs:
        if script not in initrd:
            raise BuildError(
                f"the initrd of image '{image}' is older than {what}: it could only mount {without}",
                hint=f"sb genimage {image}",
            )
    if not packed.unpacked and packed.described["method"] != _ALWAYS_THERE:
        _check_kernel(packed.described["method"], initrd, image, built)
    names = [*packed.node_programs, *([verity.NODE_PROGRAM] if tree else [])]
    added = [*names, *([signatures.NODE_PROGRAM] if signed else [])]
    return programs_for(added, built.tree, without="with -m squashfs, which needs no program" if names else "")


def stacks(built: RootimgDir) -> bool:
    """Tell whether the initrd can mount several roots over each other."""
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
    if f"/{filesystem}.ko\0".encode() in initrd:
        return
    modules = modules_directory(built.tree, built.record().get("kernelver", ""))
    builtin = treefile.read(built.tree, str(modules.relative_to(built.tree) / "modules.builtin")) or ""
    if f"/{filesystem}.ko" not in builtin:
        raise BuildError(f"the kernel of image '{image}' cannot mount {filesystem}", hint="pack with -m squashfs")


def _content(initrd: Path) -> bytes:
    """Return the archive in an initrd, without the programs that may stand behind it."""
    with initrd.open("rb") as stream:
        compressor = compressor_of(stream.read(8))
    if compressor is None:
        return initrd.read_bytes()
    with decompressed(initrd, compressor.undo_argv(), whole=False) as archive:
        return archive.read()
