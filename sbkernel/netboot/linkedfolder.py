"""A directory in which many small files say the same: such files are one, linked under many names (link(2)).

Each has its own fate all the same, as nothing is ever written into a file that is there: who writes another content
under one of the names makes a new file.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from sbkernel.files import AT_ONCE, Folder, Identity, identity

_MOST = 64
"""So many files are remembered, each held open."""


class _Known(NamedTuple):
    """A file that is held open, so that its inode is no other file's meanwhile."""

    descriptor: int
    content: bytes


class LinkedFolder(Folder):
    """A Folder that links what is alike: that costs less than writing it, and takes no inode and no block.

    It links what it has written itself, not what was there before: so no name gets a file that is as old as the one it
    had, and of the same length, which a copy or a cache would take for the same.
    """

    def __init__(self, path: Path, mode: int = 0o644) -> None:
        super().__init__(path, mode)
        self._known: dict[Identity, _Known] = {}
        self._written: dict[bytes, Identity] = {}
        """Of those that are known, what was written here, by content."""
        # Not the name under which write() writes: what a killed process has left here is the file of other names, too.
        self._link = f"{self._beside}.link"

    def __exit__(self, *error: object) -> None:
        for one in list(self._known):
            self._forget(one)
        # It is left by an interrupt; and rename(2) leaves it where another process has just made the same link.
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._link, dir_fd=self._descriptor)
        super().__exit__(*error)

    def read_shared(self, name: str) -> bytes | None:
        """Return what a file holds, as read() does; one that is linked with what was read before is not opened."""
        if self._known and (self._names is None or name in self._names):
            try:
                now = identity(os.stat(name, dir_fd=self._opened(), follow_symlinks=False))
            except FileNotFoundError:
                self._miss()
                return None
            if now in self._known:
                self._note(name, now)
                return self._used(now).content
        descriptor = self._found(name)
        if descriptor is None:
            return None
        kept = False
        try:
            content = self._content(name, descriptor)
            if kept := os.fstat(descriptor).st_nlink > 1 and self.seen[name] not in self._known:
                self._keep(self.seen[name], _Known(descriptor, content))
            return content
        finally:
            if not kept:
                os.close(descriptor)

    def share(self, name: str, content: bytes, *, is_new: bool = False) -> None:
        """Let a file hold what others hold as well: whole or not at all, as write_whole() does.

        `is_new` is a guess: there is no such file yet.
        """
        written = self._written.get(content)
        if written and self._linked(written, name, is_new):
            return
        if is_new and len(content) <= AT_ONCE:
            self.create(name, content)
        else:
            self.write(name, content)
        self._find(name, content)

    def _linked(self, one: Identity, name: str, is_new: bool) -> bool:
        """Link a file; return false where that cannot be: it has too many links, or is gone, or links are unknown."""
        directory = self._opened(make=True)
        # By its descriptor: at the name where it was written there may be another file by now.
        source = f"/proc/self/fd/{self._used(one).descriptor}"
        try:
            if not (is_new and _link(source, name, directory)):
                if not _link(source, self._link, directory):
                    os.unlink(self._link, dir_fd=directory)
                    _link(source, self._link, directory)
                os.replace(self._link, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            return False
        self._note(name, one)
        return True

    def _find(self, name: str, content: bytes) -> None:
        """Remember a file that was just written, unless another process has replaced it."""
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._opened())
            found = identity(os.fstat(descriptor))
            if found == self.seen[name]:
                self._keep(found, _Known(descriptor, content))
                self._written[content] = found
            else:
                os.close(descriptor)

    def _keep(self, one: Identity, known: _Known) -> None:
        if len(self._known) == _MOST:
            self._forget(next(iter(self._known)))
        self._known[one] = known

    def _used(self, one: Identity) -> _Known:
        """Return a file, which becomes the last one to be forgotten."""
        known = self._known[one] = self._known.pop(one)
        return known

    def _forget(self, one: Identity) -> None:
        known = self._known.pop(one)
        if self._written.get(known.content) == one:
            del self._written[known.content]
        os.close(known.descriptor)


def _link(source: str, name: str, directory: int) -> bool:
    """Link a file under a name in a directory; return whether that name was free."""
    try:
        os.link(source, name, dst_dir_fd=directory)
    except FileExistsError:
        return False
    return True
