"""The formats there are: by packimage's words, by the beginning of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.pack.compressors import compressor_of
from sbkernel.images.pack.cpio import Cpio
from sbkernel.images.pack.erofs import MAGIC as EROFS_MAGIC
from sbkernel.images.pack.erofs import MAGIC_AT, Erofs
from sbkernel.images.pack.format import Format, PackOptions
from sbkernel.images.pack.squashfs.format import MAGIC, Squashfs
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.pack.tar import Tar

FORMATS: Mapping[str, Callable[[PackOptions], Format]] = {
    "squashfs": Squashfs, "erofs": Erofs, "cpio": Cpio, "tar": Tar,
}  # fmt: skip
# The beginning of an archive: where in it, and what is there (cpio(5), tar(5)).
_ARCHIVES = {"cpio": (0, b"070701"), "tar": (257, b"ustar")}


def format_for(options: PackOptions) -> Format:
    """Return the format with these options. DefinitionError in xCAT's words if there is none or it has others."""
    if options.method not in FORMATS:
        known = f"one of {' '.join(FORMATS)}"
        raise DefinitionError(f"Invalid archive method '{options.method}' requested", hint=known)
    return FORMATS[options.method](options)


def format_of(file: Path) -> Format | None:
    """Return the format of a packed root, whatever it is called; None if it is none."""
    with file.open("rb") as stream:
        head = stream.read(MAGIC_AT + len(EROFS_MAGIC))
    if head.startswith(MAGIC):
        return Squashfs()
    if head[MAGIC_AT:] == EROFS_MAGIC:
        return Erofs()
    compressor = compressor_of(head)
    if compressor is None:
        return None
    with decompressed(file, compressor.undo_argv(), whole=False) as archive:
        begin = archive.read(512)
    found = (method for method, (at, magic) in _ARCHIVES.items() if begin[at:].startswith(magic))
    method = next(found, None)
    return FORMATS[method](PackOptions(method, compressor.name)) if method else None


def opened(file: Path) -> Format:
    """Return the format of a packed root. BuildError if it is none."""
    found = format_of(file)
    if found is None:
        raise BuildError(
            f"{file} is no packed image", hint=f"squashfs or erofs, or {' or '.join(_ARCHIVES)}, compressed"
        )
    return found
