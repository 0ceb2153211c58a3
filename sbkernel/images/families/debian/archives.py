"""The repository that a tree is filled from: the resolved packages alone, decompressed on all processors before use.

dpkg decompresses one archive after the other, a quarter of all its work, and mmdebstrap has it do those of the base
system twice. So these are decompressed here before mmdebstrap starts, and the rest while it works on them; the hook
essential.sh waits for that. What is installed is the same: dpkg notes nothing of how an archive was compressed.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sbkernel.files import made, take
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.output import archive_name
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.tree.namespaces import remove_tree

PLAIN, TURN = "plain", ".turn"
"""Where decompressed archives come, and the lock that is held until all are there (essential.sh)."""

_ROOM = 4
"""How much of the installed size must be free: for the tree, its copy, the archives, and as much again."""
_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_CHUNK_BYTES = 1 << 18


@contextlib.contextmanager
def repository(packages: Sequence[Resolved], downloads: Downloads, codename: str, place: Path) -> Iterator[Path]:
    """Make a repository of these packages for a block; their files take no space where hard links can be made."""
    made(place)
    try:
        for package in packages:
            _link(downloads.path(package), place / archive_name(package))
        _write_index(packages, codename, place, {})
        yield place
    finally:
        remove_tree(place)


@contextlib.contextmanager
def spared(packages: Sequence[Resolved], codename: str, place: Path) -> Iterator[None]:
    """Spare mmdebstrap, which a block runs, the decompression of the archives of a repository."""
    unpacking = _Unpacking(packages, codename, place)
    made(place / PLAIN)
    with unpacking.begun():
        yield


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@dataclass(frozen=True)
class _Unpacking:
    """The archives of a repository on their way to being decompressed."""

    packages: Sequence[Resolved]
    codename: str
    place: Path

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Decompress the base system, and for the length of a block the rest."""
        ended = threading.Event()
        base, rest = parted(self.packages) if self._roomy() else ([], [])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                sizes = self._sizes(self._submit(pool, base, ended))
                for package in sizes:
                    (self.place / PLAIN / archive_name(package)).replace(self.place / archive_name(package))
                _write_index(self.packages, self.codename, self.place, sizes)
                turn = take(self.place / TURN)
                last = pool.submit(self._finish, sizes, self._submit(pool, rest, ended))
                last.add_done_callback(lambda _: os.close(turn))
                yield
            finally:
                ended.set()
                pool.shutdown(cancel_futures=True)

    def _roomy(self) -> bool:
        installed = sum(records.installed_bytes(package) for package in self.packages)
        return shutil.disk_usage(self.place).free > _ROOM * installed

    def _submit(
        self, pool: ThreadPoolExecutor, packages: Iterable[Resolved], ended: threading.Event
    ) -> dict[Resolved, Future[int]]:
        """Have packages decompressed, the largest first, so that no processor waits for another at the end."""
        return {
            package: pool.submit(
                decompress, self.place / (name := archive_name(package)), self.place / PLAIN / name, ended
            )
            for package in sorted(packages, key=lambda package: -package.size)
        }

    def _sizes(self, futures: Mapping[Resolved, Future[int]]) -> dict[Resolved, int]:
        """Wait; return the size of each archive that could be decompressed."""
        return {package: size for package, future in futures.items() if (size := future.result())}

    def _finish(self, before: Mapping[Resolved, int], futures: Mapping[Resolved, Future[int]]) -> None:
        if sizes := self._sizes(futures):
            _write_index(self.packages, self.codename, self.place / PLAIN, {**before, **sizes})


def _write_index(packages: Sequence[Resolved], codename: str, place: Path, sizes: Mapping[Resolved, int]) -> None:
    index = records.index(packages, archive_name, sizes)
    (place / "Release").write_text(records.release(index, codename))
    (place / "Packages").write_text(index)


def parted(packages: Sequence[Resolved]) -> tuple[list[Resolved], list[Resolved]]:
    """Return the base system with all that it needs, and the rest."""
    base = records.base_with_needs(packages)
    return [one for one in packages if one.name in base], [one for one in packages if one.name not in base]


def decompress(archive: Path, target: Path, ended: threading.Event) -> int:
    """Write an archive with the same members, its data not compressed (deb(5)); return its size in bytes.

    Returns 0, with nothing written, when the data is compressed in a quicker way than xz, is damaged, or takes more
    room than there is: dpkg can decompress it, or say why not.
    """
    try:
        with archive.open("rb") as source, target.open("wb") as file:
            if not _copy_members(source, file, ended):
                raise EOFError
            return file.tell()
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        target.unlink(missing_ok=True)
        return 0


def _copy_members(source: IO[bytes], target: IO[bytes], ended: threading.Event) -> bool:
    """Copy the members of an archive; tell whether its data was among them, in the one way that takes long to read."""
    found = False
    target.write(source.read(len(_MAGIC)))
    while header := source.read(_HEADER_BYTES):
        name, size = header[:16].rstrip(b" /"), int(header[48:58])
        if name == b"data.tar.xz":
            begin = target.tell()
            target.write(header)
            _unxz(source, size, target, ended)
            _set_header(target, begin, header)
            found = True
        elif name.startswith(b"data.tar"):
            return False
        else:
            target.write(header + source.read(size))
        source.seek(size % 2, os.SEEK_CUR)
        target.write(b"\n" * (target.tell() % 2))
    return found


def _unxz(source: IO[bytes], size: int, target: IO[bytes], ended: threading.Event) -> None:
    xz = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    while size:
        if ended.is_set() or not (chunk := source.read(min(size, _CHUNK_BYTES))):
            raise EOFError
        target.write(xz.decompress(chunk))
        size -= len(chunk)
    if not xz.eof:
        raise EOFError


def _set_header(target: IO[bytes], begin: int, header: bytes) -> None:
    end = target.tell()
    target.seek(begin)
    target.write(b"%-16s%s%-10d%s" % (b"data.tar", header[16:48], end - begin - _HEADER_BYTES, header[58:]))
    target.seek(end)
