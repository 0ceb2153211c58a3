"""A directory in which many small files say the same: such files are one, linked under many names (link(2)).

Each has its own fate all the same, as nothing is ever written into a file that is there: who writes another content
under one of the names makes a new file.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from sbkernel.files import AT_ONCE, Folder, Identity, identity

_MOST = 64
"""So many contents are remembered, each with a file that is held open."""


class _Known(NamedTuple):
    """A file that is held open, so that its inode is no other file's meanwhile."""

    descriptor: int
    identity: Identity


class LinkedFolder(Folder):
    """A Folder that links what is alike: that costs less than writing it, and takes no inode and no block."""

    def __init__(self, path: Path, mode: int = 0o644) -> None:
        super().__init__(path, mode)
        self._known: dict[bytes, _Known] = {}
        self._contents: dict[Identity, bytes] = {}
        # Not the name under which write() writes: what a killed process has left here is the file of other names, too.
        self._link = f"{self._beside}.link"

    def __exit__(self, *error: object) -> None:
        for content in list(self._known):
            self._forget(content)
        # It is left by an interrupt; and rename(2) leaves it where another process has just made the same link.
        if self._descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._link, dir_fd=self._descriptor)
        super().__exit__(*error)

    def read_shared(self, name: str) -> bytes | None:
        """Return what a file holds, as read() does; one that is linked with what was read before is not opened."""
        if self._contents and (self._names is None or name in self._names):
            try:
                now = identity(os.stat(name, dir_fd=self._opened(), follow_symlinks=False))
            except FileNotFoundError:
                self._miss()
                return None
            if now in self._contents:
                self._note(name, now)
                return self._contents[now]
        descriptor = self._found(name)
        if descriptor is None:
            return None
        kept = False
        try:
            content = self._content(name, descriptor)
            if kept := content not in self._known and self._is_linked(os.fstat(descriptor)):
                self._keep(content, _Known(descriptor, self.seen[name]))
            return content
        finally:
            if not kept:
                os.close(descriptor)

    def share(self, name: str, content: bytes, *, is_new: bool = False) -> None:
        """Let a file hold what others hold as well: whole or not at all, as write_whole() does.

        `is_new` is a guess: there is no such file yet.
        """
        known = self._known.get(content)
        if known and self._linked(known, name, is_new):
            return
        if is_new and len(content) <= AT_ONCE:
            self.create(name, content)
        else:
            self.write(name, content)
        if known:
            self._forget(content)
        self._find(name, content)

    def _linked(self, known: _Known, name: str, is_new: bool) -> bool:
        """Link a file; return false where that cannot be: it has too many links, or is gone, or links are unknown."""
        directory = self._opened(make=True)
        # By its descriptor: at the name where it was found there may be another file by now.
        source = f"/proc/self/fd/{known.descriptor}"
        try:
            if not (is_new and _link(source, name, directory)):
                if not _link(source, self._link, directory):
                    os.unlink(self._link, dir_fd=directory)
                    _link(source, self._link, directory)
                os.replace(self._link, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            return False
        self._note(name, known.identity)
        return True

    def _is_linked(self, status: os.stat_result) -> bool:
        """Tell whether a file is whole, as it has several names, and one that we would have made, whom all may read."""
        return status.st_nlink > 1 and (status.st_mode, status.st_uid) == (stat.S_IFREG | self._mode, os.geteuid())

    def _find(self, name: str, content: bytes) -> None:
        """Remember a file that was just written, unless another process has replaced it."""
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._opened())
            found = _Known(descriptor, identity(os.fstat(descriptor)))
            if found.identity == self.seen[name]:
                self._keep(content, found)
            else:
                os.close(descriptor)

    def _keep(self, content: bytes, known: _Known) -> None:
        if len(self._known) == _MOST:
            self._forget(next(iter(self._known)))
        self._known[content] = known
        self._contents[known.identity] = content

    def _forget(self, content: bytes) -> None:
        known = self._known.pop(content)
        self._contents.pop(known.identity, None)
        os.close(known.descriptor)


def _link(source: str, name: str, directory: int) -> bool:
    """Link a file under a name in a directory; return whether that name was free."""
    try:
        os.link(source, name, dst_dir_fd=directory)
    except FileExistsError:
        return False
    return True
