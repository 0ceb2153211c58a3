"""What the sources of a synclist are on this host: kind, mode, owner, time and a digest of the content.

Links are followed, as rsync -L does for xCAT.
"""

from __future__ import annotations

import grp
import hashlib
import hmac
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath

from sbkernel.errors import ListFileError
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.document import ListLine

FILE, DIRECTORY, OTHER = "file", "directory", "other"

_WILD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


@dataclass(frozen=True)
class Source:
    """One file or directory of this host; a directory with all that is below it, sorted by name.

    `digest` is keyed: whoever reads a plan cannot try out what a secret file may hold.
    """

    path: str
    kind: str
    mode: int
    user: str
    uid: int
    group: str
    gid: int
    mtime_ns: int
    size: int
    digest: str = ""
    below: tuple[Source, ...] = ()

    @property
    def name(self) -> str:
        """Return the last part of its path."""
        return PurePosixPath(self.path).name

    def all(self) -> Iterator[Source]:
        """Yield it and all that is below it, a directory before its content."""
        yield self
        for one in self.below:
            yield from one.all()

    @property
    def facts(self) -> str:
        """Return all that the outcome depends on but the path, as text."""
        when = f"{self.mtime_ns / 1e9:.9f}"
        return f"{self.digest or self.kind} {self.mode:o} {self.user}({self.uid}):{self.group}({self.gid}) {when}"

    @property
    def secret(self) -> bool:
        """Tell whether other users of this host may not read it."""
        return self.kind == FILE and not self.mode & stat.S_IROTH


class Looker:
    """Look at sources; `key` is the key of their digests."""

    def __init__(self, key: bytes) -> None:
        self._new = lambda: hmac.new(key, digestmod="sha256")

    def matching(self, pattern: str, line: ListLine) -> tuple[Source, ...]:
        """Return what a path or pattern names, sorted; ListFileError for nothing, or for what cannot be read."""
        paths = [path for word in braced(pattern) for path in _globbed(word)]
        if not paths:
            raise line.error(f"nothing matches {shown(pattern)}", hint="Correct the pattern, or make the files.")
        return tuple(self._look(path.rstrip("/") or "/", line, ()) for path in paths)

    def single(self, path: str, line: ListLine) -> tuple[Source, ...]:
        """Return what a path names, whatever it looks like; nothing if there is nothing that can be read."""
        try:
            return (self._look(path, line, ()),)
        except ListFileError:
            return ()

    def _look(self, path: str, line: ListLine, above: tuple[tuple[int, int], ...]) -> Source:
        try:
            status = Path(path).stat()
            kind = _kind(status.st_mode)
            here = (status.st_dev, status.st_ino)
            if kind == DIRECTORY and here in above:
                raise line.error(f"{shown(path)} is a link back to a directory above it", hint="Remove the link.")
            below = tuple(self._below(path, line, (*above, here))) if kind == DIRECTORY else ()
            digest = self._digest(path) if kind == FILE else ""
        except OSError as error:
            raise line.error(_refusal(path, error), hint="Correct the path, or make the file.") from None
        return Source(
            path, kind, stat.S_IMODE(status.st_mode), _user(status.st_uid), status.st_uid, _group(status.st_gid),
            status.st_gid, status.st_mtime_ns, status.st_size, digest, below,
        )  # fmt: skip

    def _below(self, path: str, line: ListLine, above: tuple[tuple[int, int], ...]) -> Iterator[Source]:
        for one in sorted(map(str, Path(path).iterdir())):
            yield self._look(one, line, above)

    def _digest(self, path: str) -> str:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, self._new).hexdigest()


def braced(pattern: str) -> list[str]:
    """Return the words that a shell makes of {a,b}. Pure."""
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [word for choice in found[1].split(",") for word in braced(before + choice + after)]


def _globbed(word: str) -> list[str]:
    """Return the paths that a word matches; a word without wild cards is itself a path.

    As for a shell, no wild card matches a leading dot, and ** is no more than *.
    """
    if not _WILD.search(word) or os.path.lexists(word):
        return [word]
    found: list[Path] = [Path("/")]
    for part in PurePosixPath(word).parts[1:]:
        found = [path for directory in found for path in _children(directory, part)]
    return sorted(map(str, found))


def _children(directory: Path, pattern: str) -> Iterator[Path]:
    if not _WILD.search(pattern):
        if (directory / pattern).exists():
            yield directory / pattern
    elif directory.is_dir():
        yield from (
            one
            for one in directory.iterdir()
            if fnmatchcase(one.name, pattern) and (pattern.startswith(".") or not one.name.startswith("."))
        )


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return DIRECTORY
    return FILE if stat.S_ISREG(mode) else OTHER


def _refusal(path: str, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"{shown(path)} cannot be read: {error.strerror}"
    if Path(path).is_symlink():
        return f"{shown(path)} is a link to {shown(str(Path(path).readlink()))}, which does not exist"
    return f"{shown(path)} does not exist"


def _named(name_of: Callable[[int], str]) -> Callable[[int], str]:
    @lru_cache
    def name(number: int) -> str:
        try:
            return name_of(number)
        except KeyError:
            return ""

    return name


_user = _named(lambda number: pwd.getpwuid(number).pw_name)
_group = _named(lambda number: grp.getgrgid(number).gr_name)


def key_of(secret_file: Path) -> bytes:
    """Return the key of digests that a file makes which only its owner can read."""
    return hashlib.sha256(b"synclists\0" + secret_file.read_bytes()).digest()
