"""Run by the Python of this host in a namespace of its own: prints what is in the tree that argv names.

With the time of its newest package (seconds since the epoch) as a second argument: a JSON object of what each path is,
content included, as it is when everything newer is dated back to that. Else one sum over everything but the content,
and how many bytes of the disk it takes, as du(1) counts them.
"""

import functools
import hashlib
import json
import os
import stat
import sys


def main():
    """Print the listing, or its sum and the room that the tree takes."""
    tree, newest = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    found, blocks = {}, {None: os.lstat(tree).st_blocks}
    for path, entry in entries(tree):
        found[path] = described(entry, newest)
        status = entry.stat(follow_symlinks=False)
        blocks[status.st_ino] = status.st_blocks
    if newest is None:
        print(hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest(), 512 * sum(blocks.values()))
    else:
        json.dump(found, sys.stdout, sort_keys=True)


def entries(tree):
    """Yield the paths below a tree with their entries."""
    waiting = [tree]
    while waiting:
        with os.scandir(waiting.pop()) as below:
            for entry in below:
                yield entry.path[len(tree) + 1 :], entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def described(entry, newest):
    """Return mode, owner, attributes and time of an entry, and by its kind where it leads, its size and content."""
    status = entry.stat(follow_symlinks=False)
    time = status.st_mtime_ns if newest is None else min(int(status.st_mtime), newest)
    parts = [mode(status.st_mode), f"{status.st_uid}/{status.st_gid}", f"@{time}"]
    parts += [f"{name}={value.hex()}" for name, value in attributes(entry.path)]
    if stat.S_ISLNK(status.st_mode):
        parts.append(f"-> {os.readlink(entry.path)}")
    elif stat.S_ISREG(status.st_mode):
        parts.append(f"{status.st_size} bytes")
        if newest is not None:
            parts.append(f"sha256 {content(entry.path)}")
    elif not stat.S_ISDIR(status.st_mode):
        parts.append(f"device {status.st_rdev}")
    return " ".join(parts)


@functools.cache
def mode(bits):
    """Return kind and mode as ls(1) shows them; a tree has few."""
    return stat.filemode(bits)


def attributes(path):
    """Return the extended attributes of a path, sorted."""
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return [(name, os.getxattr(path, name, follow_symlinks=False)) for name in names]


def content(path):
    """Return the sum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
