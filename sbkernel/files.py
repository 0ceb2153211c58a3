"""How a file is written whole or not at all, and how processes wait for their turn: the one place for both."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Self

_SMALL = 1 << 16
"""Bytes that are read at once of a file that grows while it is read."""


def made(directory: Path, mode: int = 0o755) -> Path:
    """Return the directory, made if it is missing, closed to others where `mode` says so."""
    if not directory.is_dir():
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def writing(path: Path, *, mode: int = 0o644, durable: bool = False) -> Iterator[BinaryIO]:
    """Yield a file beside its place and rename it there when the block ends well; an error leaves nothing beside it.

    A reader sees the old content or the new one. `durable` returns only when content and name are on the disk
    (fsync(2)).
    """
    _check_place(path)
    # The name begins with a dot, so that no web server serves it and no listing shows it.
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            yield file
            os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


@contextlib.contextmanager
def growing(path: Path) -> Iterator[BinaryIO]:
    """Yield a large file that has no name until the block ends well, and is on the disk then; killed, it is gone.

    Where a file system knows no files without a name (open(2), O_TMPFILE) it is written as writing() does.
    """
    _check_place(path)
    try:
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        with writing(path, durable=True) as file:
            yield file
        return
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fchmod(descriptor, 0o644)
        os.fsync(descriptor)
        beside = path.with_name(f".{path.name}.new")
        turn = hold(path.parent)  # others may write the same file, and put theirs beside it
        try:
            beside.unlink(missing_ok=True)
            # Only linkat(2) follows the link in /proc, and Python calls it when a directory is named.
            os.link(f"/proc/self/fd/{descriptor}", beside, src_dir_fd=descriptor, follow_symlinks=True)
            beside.replace(path)
        finally:
            os.close(turn)
    sync(path.parent)


def _check_place(path: Path) -> None:
    """Raise OSError for a device, a pipe or a link to one: a file would take its place, also that of /dev/null."""
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing is there, or writing will say what is wrong
        return
    if path.parent.resolve() == Path("/dev") or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is no regular file, and a file would take its place", str(path))


def write_whole(path: Path, data: str | bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Write a file whole or not at all, as writing() does, when its content is at hand."""
    with writing(path, mode=mode, durable=durable) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def write_if_changed(path: Path, data: str | bytes, *, mode: int = 0o644) -> bool:
    """Write a file whole unless it holds that already, so that its time tells when it changed; return whether."""
    content = data.encode() if isinstance(data, str) else data
    if _holds(path, content):
        return False
    made(path.parent)
    write_whole(path, content, mode=mode)
    return True


def _holds(path: Path, content: bytes) -> bool:
    """Tell whether a file holds just that; thousands of small ones are looked at, one by one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        return os.fstat(descriptor).st_size == len(content) and file.readall() == content


Identity = tuple[int, ...]
"""What becomes another when a file is written or replaced."""


def identity(status: os.stat_result) -> Identity:
    """Return inode, size and time of the last change of a file; renaming it leaves them."""
    return status.st_ino, status.st_size, status.st_mtime_ns


AT_ONCE = 4096
"""Bytes that one write(2) puts into a new file at once, as they fill no more than a page of memory."""
_MISSES = 1000
"""After so many names that were not there, a folder is listed instead of asked for each."""


class Folder:
    """A directory of small files, read and written by the thousand: by their names in it, with few calls of the kernel.

    Use it as a context manager, in one thread. It is made at the first write if it is missing.
    """

    def __init__(self, path: Path, mode: int = 0o644) -> None:
        self._path, self._mode = path, mode
        self._descriptor: int | None = None
        self._beside = f".{os.getpid()}-{threading.get_ident()}.new"
        """What is being written has the same short name each time: a directory is searched faster for it."""
        self._misses = 0
        self._names: set[str] | None = None
        """All that were there when it was listed; a file that somebody makes later counts as made after ours."""
        self.seen: dict[str, Identity] = {}
        """The files that were read or written, as they were then."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None if there is none."""
        descriptor = self._found(name)
        return None if descriptor is None else self._whole(name, descriptor)

    def _found(self, name: str) -> int | None:
        """Open a file to read it; None if there is none."""
        if self._names is not None and name not in self._names:
            return None
        try:
            return os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._opened())
        except FileNotFoundError:
            self._miss()
            return None

    def _whole(self, name: str, descriptor: int) -> bytes:
        """Read an open file, and close it."""
        try:
            return self._content(name, descriptor)
        finally:
            os.close(descriptor)

    def _content(self, name: str, descriptor: int) -> bytes:
        status = os.fstat(descriptor)
        self.seen[name] = identity(status)
        # A byte more than there should be, so that one call is enough for what does not grow meanwhile.
        content = os.read(descriptor, status.st_size + 1)
        while len(content) > status.st_size and (more := os.read(descriptor, _SMALL)):
            content += more
        return content

    def write_if_changed(self, name: str, content: bytes) -> bool:
        """Write a file whole, as write_whole() does, unless it holds that already; return whether."""
        if self.read(name) == content:
            return False
        self.write(name, content)
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, as write_whole() does."""
        directory, beside = self._opened(make=True), self._beside
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
        try:
            now = self._filled(os.open(beside, flags, self._mode, dir_fd=directory), content)
            os.replace(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside, dir_fd=directory)
            raise
        self._note(name, now)

    def create(self, name: str, content: bytes) -> None:
        """Write a file that is not there yet in its place, which costs half of write(); as write() if it is there.

        Others may see it empty, and then whole; what is longer than AT_ONCE, also in part. An error leaves it empty.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, self._mode, dir_fd=self._opened(make=True))
        except FileExistsError:
            self.write(name, content)
            return
        self._note(name, self._filled(descriptor, content))

    def _filled(self, descriptor: int, content: bytes) -> Identity:
        """Write a whole file and close it; it is empty if that fails."""
        try:
            written = os.write(descriptor, content)
            while written < len(content):
                written += os.write(descriptor, memoryview(content)[written:])
            status = os.fstat(descriptor)
            if stat.S_IMODE(status.st_mode) != self._mode:  # the umask, or what a killed process has left
                os.fchmod(descriptor, self._mode)
            return identity(status)
        except BaseException:
            # Under its name there may be the file of another process by now; this one is ours in any case.
            os.ftruncate(descriptor, 0)
            raise
        finally:
            os.close(descriptor)

    def _note(self, name: str, now: Identity) -> None:
        self.seen[name] = now
        if self._names is not None:
            self._names.add(name)

    def remove(self, name: str) -> None:
        """Remove a file if there is one."""
        self.seen.pop(name, None)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._opened())

    def remove_if(self, name: str, wanted: Callable[[bytes], bool]) -> None:
        """Remove a file if it holds what is wanted; what another process puts in its place meanwhile stays.

        For a moment there is none, whatever it holds.
        """
        if not wanted(self.read(name) or b""):
            return
        directory, aside = self._opened(), f"{self._beside}.gone"
        with contextlib.suppress(FileNotFoundError):
            os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
            self.seen.pop(name, None)
            descriptor = os.open(aside, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
            if not wanted(self._whole(aside, descriptor)):
                with contextlib.suppress(FileExistsError):
                    os.link(aside, name, src_dir_fd=directory, dst_dir_fd=directory)
            self.remove(aside)

    def _miss(self) -> None:
        self._misses += 1
        if self._misses == _MISSES:
            with contextlib.suppress(FileNotFoundError):
                self._names = set(os.listdir(self._path))  # noqa: PTH208 - a hundred thousand paths would be slow

    def _opened(self, *, make: bool = False) -> int:
        if self._descriptor is None:
            path = made(self._path) if make else self._path
            self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._descriptor


def sync(path: Path) -> None:
    """Return when a file, or a directory's list of names, is on the disk (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def point(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, replacing an older one in one step."""
    with contextlib.suppress(OSError):
        if link.readlink() == target:
            return
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)


def take(path: Path, *, wait: bool = True, shared: bool = False) -> int:
    """Take the lock on a file, made if it is missing (0600); return the descriptor that holds it until it is closed.

    Any number of processes hold a `shared` lock at the same time, but none beside one that is not. The kernel releases
    the lock of a process that dies (flock(2)), so there is no stale lock to remove; a child that inherits the
    descriptor holds it, too. Raises BlockingIOError when it is taken and `wait` is false.
    """
    return _locked(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), wait, shared)


def hold(path: Path, *, wait: bool = True, shared: bool = False) -> int:
    """Take the lock on a file or a directory that exists, else FileNotFoundError; the rest as take()."""
    return _locked(os.open(path, os.O_RDONLY | os.O_CLOEXEC), wait, shared)


def _locked(descriptor: int, wait: bool, shared: bool) -> int:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def in_turn(path: Path, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock on a file for a block; others wait for it, or get BlockingIOError if they will not `wait`."""
    made(path.parent)
    descriptor = take(path, wait=wait)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock on a file or a directory; asking takes nothing away."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
