"""Run by the Python of this host in a namespace of its own: prints what changes were made in a tree, as JSON.

argv names the old tree, the directory of the changes, how it is to be read (overlay: only what has changed is in it;
whole: it is the new tree), and how many bytes of content may be written in all. Standard input names the paths, and
patterns of paths, that nobody will keep: their content is not written.
"""

import fnmatch
import json
import os
import stat
import sys

TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "device", stat.S_IFBLK: "device",
}  # fmt: skip
CHUNK = 1 << 20


class Changes:
    """What was found, and how much of the content is left to write."""

    def __init__(self, old, new, whole, limit, unkept):
        self.paths, self.patterns = frozenset(unkept.get("paths", ())), unkept.get("patterns", ())
        self.old, self.new, self.whole, self.left = old, new, whole, limit
        self.found = []
        self.links = {}

    def directory(self, path, was):
        """Look at a directory; `was` tells whether there was one of that name before."""
        before = self.entries(self.old, path) if was else {}
        after = self.entries(self.new, path)
        hidden = self.whole or not was or opaque(os.path.join(self.new, path))
        gone = [name for name in before if name not in after and hidden]
        gone += [name for name, entry in after.items() if not self.whole and name in before and whiteout(entry)]
        for name in sorted(gone):
            self.found.append({"path": os.path.join(path, name), "kind": "removed"})
        for name, status in sorted(after.items()):
            if not self.whole and whiteout(status):
                continue
            where = os.path.join(path, name)
            self.entry(where, before.get(name), status)
            if stat.S_ISDIR(status.st_mode):
                there = name in before and stat.S_ISDIR(before[name].st_mode)
                self.directory(where, there)

    def entries(self, top, path):
        """Return what is in a directory, by name."""
        with os.scandir(os.path.join(top, path)) as found:
            return {entry.name: entry.stat(follow_symlinks=False) for entry in found}

    def entry(self, path, was, now):
        """Note an entry if it is not what it was."""
        kind = TYPES.get(stat.S_IFMT(now.st_mode))
        if kind is None:
            return
        parts = self.differs(path, was, now) if was else []
        if was and not parts:
            return
        note = {
            "path": path, "kind": "changed" if was else "added", "type": kind, "mode": stat.S_IMODE(now.st_mode),
            "uid": now.st_uid, "gid": now.st_gid, "size": now.st_size, "parts": parts,
        }  # fmt: skip
        if kind == "link":
            note["target"] = os.readlink(os.path.join(self.new, path))
        elif kind == "device":
            note["device"] = [os.major(now.st_rdev), os.minor(now.st_rdev)]
            note["size"] = 1 if stat.S_ISBLK(now.st_mode) else 0
        elif kind == "file":
            self.file(path, now, note)
        self.found.append(note)

    def file(self, path, now, note):
        """Note the content of a file, or which other path is the same file."""
        if path in self.paths or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.patterns):
            return
        first = self.links.setdefault((now.st_dev, now.st_ino), path) if now.st_nlink > 1 else path
        if first != path:
            note["same"] = first
        elif {"content", "kind"} & {*note["parts"], *(["kind"] if note["kind"] == "added" else [])}:
            self.content(path, now.st_size, note)

    def content(self, path, size, note):
        """Note what is in a file, as long as there is room."""
        if size <= self.left:
            self.left -= size
            with open(os.path.join(self.new, path), "rb") as file:
                note["content"] = file.read().hex()

    def differs(self, path, was, now):
        """Return in what an entry differs from what it was."""
        if stat.S_IFMT(was.st_mode) != stat.S_IFMT(now.st_mode):
            return ["kind"]
        one, other = os.path.join(self.old, path), os.path.join(self.new, path)
        parts = ["mode"] if was.st_mode != now.st_mode and not stat.S_ISLNK(now.st_mode) else []
        parts += ["owner"] if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid) else []
        parts += ["attributes"] if attributes(one) != attributes(other) else []
        if stat.S_ISREG(now.st_mode):
            parts += ["content"] if was.st_size != now.st_size or not same(one, other) else []
        elif stat.S_ISLNK(now.st_mode):
            parts += ["content"] if os.readlink(one) != os.readlink(other) else []
        elif not stat.S_ISDIR(now.st_mode):
            parts += ["content"] if was.st_rdev != now.st_rdev else []
        return parts


def whiteout(status):
    """Tell whether an entry says that what was there is gone: a character device 0/0."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def opaque(path):
    """Tell whether a directory hides all of the old one."""
    return any(os.getxattr(path, name) == b"y" for name in os.listxattr(path) if name.endswith("overlay.opaque"))


def attributes(path):
    """Return the extended attributes of a path but those of overlayfs."""
    names = [name for name in os.listxattr(path, follow_symlinks=False) if ".overlay." not in name]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def same(one, other):
    """Tell whether two files of one size have the same content."""
    with open(one, "rb") as a, open(other, "rb") as b:
        while (piece := a.read(CHUNK)) == b.read(CHUNK):
            if not piece:
                return True
    return False


def main():
    """Print the changes; the root itself counts, too."""
    old, new, how, limit = sys.argv[1:]
    changes = Changes(old, new, how == "whole", int(limit), json.loads(sys.stdin.read() or "{}"))
    changes.directory("", True)
    json.dump(changes.found, sys.stdout)


if __name__ == "__main__":
    main()
