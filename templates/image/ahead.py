"""Run by the Python of this host in a namespace of its own: copies a layer while packages are installed into it.

argv: LAYER TREE LIST. Files are copied once they have been left alone for a moment, until standard input ends. Then
LIST is written: which copies are of files that have stayed as they were; checkout.py reads it, and makes the rest
anew. Plain files and links alone are copied. No link is followed, and each file that was opened is looked at again:
scripts of packages run meanwhile, and may put anything in anybody's place.
"""

import errno
import marshal
import os
import select
import stat
import sys
import time
from contextlib import contextmanager, suppress

LEFT_ALONE_NS = 300_000_000
PAUSE_S = 0.1
CHUNK = 1 << 30
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# Of the time between two looks at the tree, looking takes at most one part in so many.
SHARE = 4


def main():
    """Copy until told to end; write the list."""
    layer, tree, listed = sys.argv[1:4]
    os.nice(10)
    os.mkdir(tree, 0o700)
    copies = Copies()
    while not copies.is_full and not ended(max(PAUSE_S, SHARE * copies.looked_s)):
        copies.look(layer, tree)
    ended(None)
    with open(listed, "wb") as file:
        file.write(f"{{}}\n{os.stat(tree).st_ino}\n".encode())
        marshal.dump(copies.unchanged(layer), file)


def ended(patience_s):
    """Wait, and tell whether standard input has ended."""
    return bool(select.select([0], [], [], patience_s)[0])


class Copies:
    """The files that were copied: inode and ctime of each before, inode and ctime of its copy."""

    def __init__(self):
        self.facts = {}
        self.looked_s = 0.0
        self.is_full = False

    def look(self, layer, tree):
        """Walk through the layer, and copy what is new and has been left alone."""
        began, copying = time.monotonic(), Copying(self.facts, time.time_ns() - LEFT_ALONE_NS)
        with suppress(OSError), opened(layer) as source, opened(tree) as target:
            copying.directory("", source, target)
        self.is_full = copying.is_full
        self.looked_s = time.monotonic() - began - copying.copied_s

    def unchanged(self, layer):
        """Return the copies of files that are what they were: inode of the file, inode and ctime of the copy."""
        kept = {}

        def directory(path, source):
            for name, entry in entries(source):
                if entry.is_dir(follow_symlinks=False):
                    with suppress(OSError), opened(name, source) as below:
                        directory(f"{path}{name}/", below)
                elif fact := self.facts.get(path + name):
                    status = entry.stat(follow_symlinks=False)
                    if (status.st_ino, status.st_ctime_ns) == fact[:2]:
                        kept[path + name] = fact[0], *fact[2:]

        with suppress(OSError), opened(layer) as source:
            directory("", source)
        return kept


class Copying:
    """One walk: what has not changed since `before_ns` is copied unless it was."""

    def __init__(self, facts, before_ns):
        self.facts, self.before_ns = facts, before_ns
        self.copied_s = 0.0
        self.is_full = False

    def directory(self, path, source, target):
        """Copy what is missing of one directory, and of those below it."""
        for name, entry in entries(source):
            if self.is_full or ended(0):
                return
            if entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    os.mkdir(name, 0o700, dir_fd=target)
                with suppress(OSError), opened(name, source) as below, opened(name, target) as other:
                    self.directory(f"{path}{name}/", below, other)
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                fact = self.facts.get(path + name)
                if self._is_wanted(status) and (not fact or fact[:2] != (status.st_ino, status.st_ctime_ns)):
                    self._copy(path + name, name, status, source, target)

    def _is_wanted(self, status):
        """Tell whether a file is plain and may stay as it is; cp knows best what to make of holes and other names."""
        plain = stat.S_ISREG(status.st_mode) and status.st_blocks * 512 >= status.st_size
        return (plain or stat.S_ISLNK(status.st_mode)) and status.st_nlink == 1 and status.st_ctime_ns < self.before_ns

    def _copy(self, path, name, status, source, target):
        began = time.monotonic()
        self.facts.pop(path, None)
        try:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=target)
            copy = copy_link if stat.S_ISLNK(status.st_mode) else copy_file
            copy(name, status, source, target)
            own = os.stat(name, dir_fd=target, follow_symlinks=False)
            self.facts[path] = (status.st_ino, status.st_ctime_ns, own.st_ino, own.st_ctime_ns)
        except ChangedError:
            pass
        except OSError as error:
            self.is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self.copied_s += time.monotonic() - began


class ChangedError(Exception):
    """A file is not the one that was seen."""


def copy_file(name, status, source, target):
    """Copy a plain file with all that it has; ChangedError if it is another one by now."""
    inside = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source)
    try:
        check(os.fstat(inside), status)
        out = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=target)
        try:
            left = status.st_size
            while left and (done := os.copy_file_range(inside, out, min(left, CHUNK))):
                left -= done
            os.fchown(out, status.st_uid, status.st_gid)
            os.fchmod(out, stat.S_IMODE(status.st_mode))
            for attribute in os.listxattr(inside):
                os.setxattr(out, attribute, os.getxattr(inside, attribute))
            os.utime(out, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(out)
        if left:
            raise ChangedError
    finally:
        os.close(inside)


def copy_link(name, status, source, target):
    """Copy a symbolic link; ChangedError if it is another one by now, or has what only cp copies."""
    if os.listxattr(f"/proc/self/fd/{source}/{name}", follow_symlinks=False):
        raise ChangedError
    os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
    check(os.stat(name, dir_fd=source, follow_symlinks=False), status)


def check(found, seen):
    """Raise ChangedError unless a file is the one that was seen, as it was."""
    if (found.st_dev, found.st_ino, found.st_ctime_ns) != (seen.st_dev, seen.st_ino, seen.st_ctime_ns):
        raise ChangedError


@contextmanager
def opened(name, directory=None):
    """Open a directory for a block, but none through a link."""
    descriptor = os.open(name, FOLDER, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def entries(descriptor):
    """Return the entries of a directory as (name, entry)."""
    with suppress(OSError), os.scandir(descriptor) as found:
        return [(entry.name, entry) for entry in found]
    return []


if __name__ == "__main__":
    main()
