"""What a node needs in its initrd to unpack a root; found out before anything is packed."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.initrd.programs import Program, programs_for
from sbkernel.images.pack.compressors import compressor_of
from sbkernel.images.pack.format import Format
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.rootimgdir import RootimgDir

# In the initrds of genimage since roots can be archives (templates/initrd/).
_SCRIPT = b"lib/sbkernel/unpack.sh\0"
# In those since roots can be stacks.
_LAYERS = b"lib/sbkernel/layers.sh\0"


def programs(packed: Format, image: str, built: RootimgDir) -> tuple[Program, ...]:
    """Return the programs to add to the initrd. BuildError if nodes could not unpack the root all the same."""
    if not packed.unpacked:
        return ()
    if _SCRIPT not in _content(built.initrd):
        raise BuildError(
            f"the initrd of image '{image}' is older than -m {packed.described['method']}: it could only mount a root",
            hint=f"sb genimage {image}",
        )
    return programs_for(packed.node_programs, built.tree)


def stacks(built: RootimgDir) -> bool:
    """Tell whether the initrd can mount several roots over each other."""
    return _LAYERS in _content(built.initrd)


def _content(initrd: Path) -> bytes:
    """Return the archive in an initrd, without the programs that may stand behind it."""
    with initrd.open("rb") as stream:
        compressor = compressor_of(stream.read(8))
    if compressor is None:
        return initrd.read_bytes()
    with decompressed(initrd, compressor.undo_argv(), whole=False) as archive:
        return archive.read()
