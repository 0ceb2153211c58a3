"""How a root tree travels: as an archive with owners, access control lists, capabilities and hard links."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from sbkernel.errors import CommandError, JobError
from sbkernel.images.rootimgdir import TREE
from sbkernel.jobs.blobs import CHUNK_BYTES, Readable
from sbkernel.jobs.run import run

RECORD = "plan.json"
"""The artefact that says what was built."""
# The names of headers would hold tar's process number; the times of reading and of changes of an inode are nobody's.
_KEPT = (
    "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
)  # fmt: skip
# A wire of 10 Gbit/s is as fast as this on two cores, and half as much has to be written on both sides.
_COMPRESS = ("--use-compress-program", "zstd -q -1 -T0")
_DECOMPRESS = ("--use-compress-program", "zstd -q -d")
_OWNED = ("--same-owner", "--preserve-permissions", "--delay-directory-restore")


def pack_tree(tree: Path, file: Path) -> None:
    """Pack a tree; the same tree gives the same bytes."""
    run(["tar", "--create", "--file", file, *_COMPRESS, *_KEPT, "--sort=name", "--directory", tree.parent, tree.name],
        isolated=True)  # fmt: skip


def unpack_tree(stream: Readable, digest: str, directory: Path) -> None:
    """Unpack a tree into a directory while it comes; JobError when it came damaged."""
    read, write = os.pipe2(os.O_CLOEXEC)
    passed = _Passing(stream, write)
    argv = ["tar", "--extract", "--file=-", *_DECOMPRESS, *_OWNED, *_KEPT[:4], "--directory", str(directory), TREE]
    try:
        with os.fdopen(read, "rb") as archive:
            run(argv, stdin=archive, isolated=True)
    except CommandError:
        passed.join()
        if passed.error:
            raise passed.error from None
        raise
    passed.join()
    if passed.error:
        raise passed.error
    if passed.digest != digest:
        raise JobError(f"what came as {digest} is damaged: its sha256 is {passed.digest}")


class _Passing(threading.Thread):
    """Passes a stream on to a pipe, as long as somebody reads there."""

    def __init__(self, stream: Readable, pipe: int) -> None:
        super().__init__(daemon=True)
        self.error: Exception | None = None
        self.digest = ""
        self._stream = stream
        self._pipe = pipe
        self.start()

    def run(self) -> None:
        content = hashlib.sha256()
        try:
            with os.fdopen(self._pipe, "wb") as pipe:
                while piece := self._stream.read(CHUNK_BYTES):
                    content.update(piece)
                    pipe.write(piece)
        except BrokenPipeError:
            pass  # whoever has closed it says why
        except (OSError, JobError) as error:
            self.error = error
        self.digest = content.hexdigest()
