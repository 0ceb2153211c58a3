"""Run by the Python of this host in a namespace of its own: prints what is in the tree that argv names.

With the time of its newest package (seconds since the epoch) as a second argument: a JSON object of what each path is,
content included, as it is when everything newer is dated back to that.

Else one sum over everything but the content, and how many bytes of the disk it takes, as du(1) counts them. After
`keep FILE` what files are is written down by their inodes, after `use FILE` those in it are not looked at: they are
known to be hard links to files that were looked at before.
"""

import gc
import hashlib
import json
import marshal
import os
import stat
import sys


def main():
    """Print the listing, or its sum and the room that the tree takes."""
    tree, *more = sys.argv[1:]
    if len(more) == 1:
        listing = Listing(tree, int(more[0]))
        json.dump(listing.found, sys.stdout, sort_keys=True)
        return
    word, file = more or ("", "")
    listing = Listing(tree, None, read(file) if word == "use" else {})
    if word == "keep":
        with open(file, "wb") as kept:
            marshal.dump(listing.seen, kept)
    text = json.dumps(listing.found, sort_keys=True)
    print(hashlib.sha256(text.encode()).hexdigest(), 512 * listing.blocks)


def read(file):
    """Return what was kept; nothing if there is none, or a part of it."""
    try:
        with open(file, "rb") as kept:
            # At once: load() reads a number at a time.
            return marshal.loads(kept.read())  # noqa: S302 - written a moment ago, by whoever may write to layers
    except (OSError, ValueError, EOFError, TypeError):
        return {}


class Listing:
    """What each path below a tree is, and by inode what files are and how many blocks they take."""

    def __init__(self, tree, newest, known=()):
        self.newest, self.found, self.seen = newest, {}, {}
        self.heads = {}
        blocks, waiting = {None: os.lstat(tree).st_blocks}, [""]
        found, seen, described = self.found, self.seen, self.described
        while waiting:
            directory = waiting.pop()
            with os.scandir(f"{tree}/{directory}") as below:
                for entry in below:
                    path, inode = directory + entry.name, entry.inode()
                    if inode in known:
                        found[path], blocks[inode] = known[inode]
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{path}/")
                        found[path], blocks[inode] = described(entry)
                    else:
                        found[path], blocks[inode] = seen[inode] = described(entry)
        self.blocks = sum(blocks.values())

    def described(self, entry):
        """Return mode, owner, attributes and time of an entry, by its kind where it leads, its size and content.

        Then come its blocks on the disk.
        """
        status = entry.stat(follow_symlinks=False)
        time = status.st_mtime_ns if self.newest is None else min(int(status.st_mtime), self.newest)
        text = f"{self.head(status.st_mode, status.st_uid, status.st_gid)} @{time}"
        for name in sorted(os.listxattr(entry.path, follow_symlinks=False)):
            text += f" {name}={os.getxattr(entry.path, name, follow_symlinks=False).hex()}"
        if text[0] == "l":
            text += f" -> {os.readlink(entry.path)}"
        elif text[0] == "-":
            text += f" {status.st_size} bytes"
            if self.newest is not None:
                text += f" sha256 {content(entry.path)}"
        elif text[0] != "d":
            text += f" device {status.st_rdev}"
        return text, status.st_blocks

    def head(self, mode, uid, gid):
        """Return kind and mode as ls(1) shows them, and the owner; a tree has few that differ."""
        key = mode, uid, gid
        if key not in self.heads:
            self.heads[key] = f"{stat.filemode(mode)} {uid}/{gid}"
        return self.heads[key]


def content(path):
    """Return the sum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    gc.disable()  # nothing of all that is made here can go before the end
    main()
