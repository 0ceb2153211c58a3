"""Unpack a whole packed root into a tree, with owners, in own namespaces; what lies below /dev is made at boot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.pack import formats
from sbkernel.images.pack.compressors import Compressor
from sbkernel.images.pack.cpio import Cpio
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.pack.tar import Tar
from sbkernel.jobs.run import run

# Without root no device can be made, and a node has devtmpfs (unsquashfs(1), cpio(1), tar(1)).
_SQUASHFS = ("unsquashfs", "-quiet", "-no-progress", "-force")
_CPIO = (
    "cpio", "--extract", "--quiet", "--make-directories", "--preserve-modification-time", "--no-absolute-filenames",
    "--nonmatching", "dev/*", "./dev/*",
)  # fmt: skip
_TAR = (
    "tar", "--extract", "--file=-", "--same-owner", "--numeric-owner", "--same-permissions", "--xattrs",
    "--xattrs-include=*", "--exclude=./dev/*", "--exclude=dev/*",
)  # fmt: skip


def unpack(file: Path, tree: Path) -> None:
    """Unpack a root, whatever it is called. BuildError if it is none, is damaged, or would write beside the tree."""
    packed = formats.opened(file)
    try:
        if isinstance(packed, Cpio):
            packed.check(file)
            _extract(_CPIO, file, tree, packed.compressor)
        elif isinstance(packed, Tar):
            _extract(_TAR, file, tree, packed.compressor)
        else:
            run([*_SQUASHFS, "-dest", tree, "-excludes", file, "dev/*"], isolated=True)
    except CommandError as error:
        raise BuildError(f"{file.name} cannot be unpacked:\n{error.tail}", hint="export the image once more") from error


def _extract(argv: Sequence[str], file: Path, tree: Path, compressor: Compressor) -> None:
    tree.mkdir()
    with decompressed(file, compressor.undo_argv()) as archive:
        run(argv, cwd=tree, stdin=archive, isolated=True)
