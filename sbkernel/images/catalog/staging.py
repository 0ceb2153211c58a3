"""The directory in which an image version grows until it is published: catalog/.tmp-*, locked by its process.

One that is named by a key goes on where a killed process has left it: whoever asks for the key next takes it over.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.files import hold, sync
from sbkernel.images.catalog.version import ImageVersion, Root

# Between two pieces Ctrl-C is heard, and a thread that computes may hold Python's lock for 5 ms.
_PIECE = 32 << 20


class Staging:
    """A directory that nobody reads yet; files are put at `path` and added when they are whole.

    The disk writes a file while its sum is made and others grow.
    """

    def __init__(self, path: Path, beside: Executor) -> None:
        self.path = path
        self._beside = beside
        self._writing: list[Future[None]] = []
        self._facts: dict[str, Mapping[str, Any]] = {}

    @property
    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the sha256 and the size in bytes of each file that was added."""
        return self._facts

    def add(self, name: str, facts: Mapping[str, Any] | None = None, *, verity: str = "") -> None:
        """Take the file of that name as whole; `facts` were found while it was written, else it is read once more.

        `verity` is the root hash, of a root that has a hash tree.
        """
        self._write(name)
        known = _facts_of(self.path / name) if facts is None else facts
        self._facts[name] = {**known, "verity": verity} if verity else known

    def carry(self, name: str) -> None:
        """Take a file along that image.json does not describe, such as a signature."""
        self._write(name)

    def link(self, name: str, source: ImageVersion, root: Root) -> None:
        """Take a root of another version along under a name: the same file, whose facts are known. BuildError."""
        (self.path / name).unlink(missing_ok=True)
        try:
            os.link(source.dir / root.name, self.path / name)
        except OSError as error:  # it is gone, or the file system or its owner allows no second name
            said = f"{source.dir / root.name} cannot lie below another version: {error.strerror}"
            raise BuildError(said, hint=f"sb packimage {source.image} --flat") from error
        self._facts[name] = source.data["files"][root.name]

    def close(self, name: str, text: str) -> None:
        """Write one more file, which has no facts of its own, and return when all of them are on the disk."""
        (self.path / name).write_text(text)
        self._write(name)
        for one in self._writing:
            one.result()
        self.path.chmod(0o755)
        sync(self.path)

    def _write(self, name: str) -> None:
        (self.path / name).chmod(0o644)
        self._writing.append(self._beside.submit(sync, self.path / name))


def make(catalog: Path, key: str = "") -> tuple[Path, int]:
    """Make a directory to pack into; return it with the descriptor that holds its lock. Call it in turn.

    It gets the name that sweep_unlocked() looks for when its lock is held, so none is ever seen without an owner. What
    a killed process has left under the same `key` is taken over.
    """
    keyed = catalog / f".tmp-{key}"
    if key and keyed.is_dir():
        with contextlib.suppress(BlockingIOError):  # somebody else packs the same at this moment
            return keyed, hold(keyed, wait=False)
    directory = Path(tempfile.mkdtemp(prefix=".new-", dir=catalog))
    owner = hold(directory)
    own = directory.with_name(f".tmp-{os.getpid()}-{directory.name.removeprefix('.new-')}")
    named = keyed if key and not keyed.exists() else own
    directory.rename(named)
    return named, owner


def sweep(catalog: Path, keep: str = "") -> None:
    """Remove the directories of packings that were killed, but not that of the key `keep`. In turn, as make()."""
    for nameless in catalog.glob(".new-*"):
        shutil.rmtree(nameless, ignore_errors=True)
    sweep_unlocked(catalog, keep)


def sweep_unlocked(catalog: Path, keep: str = "") -> None:
    """Remove the directories whose owner is dead, but not that of the key `keep`; safe whosever turn it is."""
    for directory in (path for path in catalog.glob(".tmp-*") if path.name != f".tmp-{keep}"):
        # Its owner may be packing, or be removing it at this moment.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            owner = hold(directory, wait=False)
            shutil.rmtree(directory, ignore_errors=True)
            os.close(owner)


def _facts_of(path: Path) -> dict[str, Any]:
    """Sum a file that was just written.

    It is still in memory and only mapped: reading it takes twice as long beside a thread that computes, as
    Python's lock must be had again for each piece. A file from a bad disk must be read; a map would end the process.
    """
    digest = hashlib.sha256()
    size = path.stat().st_size
    if size:
        with (
            path.open("rb") as stream,
            mmap(stream.fileno(), 0, access=ACCESS_READ) as mapped,
            memoryview(mapped) as content,
        ):
            for offset in range(0, size, _PIECE):
                digest.update(content[offset : offset + _PIECE])
    return {"sha256": digest.hexdigest(), "size": size}
