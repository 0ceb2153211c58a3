"""Run by the Python that dnf itself runs with, in a namespace of its own: says what a change of a tree has to know.

Nothing is decided here and nothing is changed: packages that come or leave, what stays, what is at their paths, and in
which order rpm would install all of them before and after.
"""

import hashlib
import json
import os
import posixpath
import sqlite3
import stat
import sys
from collections import Counter, defaultdict
from contextlib import closing
from functools import cache
from urllib.parse import quote

import rpm

SCRIPTS = ("pretrans", "prein", "postin", "preun", "postun", "posttrans")
SCRIPTS += ("preuntrans", "postuntrans") if hasattr(rpm, "RPMTAG_PREUNTRANS") else ()
TRIGGERS = {"trigger": "packages", "filetrigger": "files", "transfiletrigger": "files"}
ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}
"""Kinds of sums by their numbers in a header (RFC 4880, 9.4)."""
CONFIG, GHOST = 1, 64
"""Flags of files in a header."""
MOUNTED = ("/proc/", "/sys/", "/dev/")
"""What lies below these is mounted while packages are installed, and rpm keeps away from it."""
UNITS = ("etc/systemd/system", "etc/systemd/user")
PRESETS = tuple(f"/{top}/systemd/{kind}-preset/" for top in ("etc", "usr/lib", "lib") for kind in ("system", "user"))
MANAGER = {"/usr/bin/systemctl", "/bin/systemctl", "/usr/lib/systemd/systemd-update-helper"}
ROOT = "0/0"


def main():
    """Answer for {root}, to which the packages in {coming} come, and from which those of {leaving} go."""
    asked = json.load(sys.stdin)
    tree = Tree(asked["root"])
    there = {key(one): one for one in headers(os.path.join(asked["root"], asked["database"], "rpmdb.sqlite"))}
    come = dict(map(read, asked["coming"]))
    leave = {name: there[name] for name in asked["leaving"]}
    stay = {name: one for name, one in there.items() if name not in leave}
    coming = [tree.package(one) for one in come.values()]
    leaving = [tree.package(one, installed=True) for one in leave.values()]
    alone = set(asked["alone"])
    after = {**stay, **come}
    answer = {
        "coming": coming,
        "leaving": leaving,
        "staying": [spoken(one) for one in stay.values()],
        "order": [order({name: one for name, one in all_.items() if name not in alone}) for all_ in (there, after)],
        "several": several(there, after),
        "deciding": [name for name, one in stay.items() if decides(one)],
        "emptied": tree.emptied(after.values(), coming, leaving, set(asked["laid_out"])),
        **tree.around(there.values(), [*coming, *leaving]),
        **tree.units(stay.values()),
    }
    json.dump(answer, sys.stdout)


def headers(database):
    """Yield the headers of a database that is only read."""
    with closing(sqlite3.connect(f"file:{quote(database)}?mode=ro&immutable=1", uri=True)) as opened:
        for (blob,) in opened.execute("SELECT blob FROM Packages"):
            yield rpm.hdr(blob)


def read(path):
    """Return a package file's name here and its header."""
    transaction = rpm.TransactionSet("/", rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    with open(path, "rb") as file:
        header = transaction.hdrFromFdno(file.fileno())
    return key(header), header


def key(header):
    """Return name=[epoch:]version-release:architecture."""
    epoch = f"{header['epoch']}:" if header["epoch"] else ""
    return f"{header['name']}={epoch}{header['version']}-{header['release']}:{header['arch']}"


def order(packages):
    """Return the packages in the order in which rpm would install all of them at once."""
    transaction = rpm.TransactionSet("/")
    for name in sorted(packages, key=lambda name: sorting(packages[name])):
        transaction.addInstall(packages[name], name, "i")
    transaction.order()
    return [element.Key() for element in transaction]


def sorting(header):
    """Return what packages are sorted by when they are installed."""
    name, _, rest = key(header).partition("=")
    version, _, architecture = rest.rpartition(":")
    return name, version, architecture


def several(*states):
    """Return the names of packages of which there are several at once."""
    counts = [Counter(one["name"] for one in packages.values()) for packages in states]
    return sorted({name for one in counts for name, count in one.items() if count > 1})


def spoken(header):
    """Return what a package says that shall be run: scriptlets and triggers, each with its interpreter."""
    scripts = [[kind, program(header[f"{kind}prog"]), header[kind] or ""] for kind in SCRIPTS]
    triggers = []
    for kind, waits in TRIGGERS.items():
        names, numbers = header[f"{kind}name"] or [], header[f"{kind}index"] or []
        bodies, programs = header[f"{kind}scripts"] or [], header[f"{kind}scriptprog"] or []
        for number, body in enumerate(bodies):
            waited = sorted({name for name, index in zip(names, numbers, strict=True) if index == number})
            triggers.append([waits, waited, program(programs[number] if number < len(programs) else ""), body])
    said = [one for one in scripts if one[1] or one[2]]
    return {"name": header["name"], "key": key(header), "scripts": said, "triggers": triggers}


def decides(header):
    """Tell whether a package says which units are on, or has what switches them."""
    return any(path in MANAGER or path.startswith(PRESETS) for path in header["filenames"] or [])


def program(words):
    """Return an interpreter with its arguments as one text."""
    return " ".join(words) if isinstance(words, list) else words or ""


class Tree:
    """A tree that is looked at."""

    def __init__(self, root):
        self.root = root

    def package(self, header, *, installed=False):
        """Return what there is to know about a package that comes or leaves."""
        entries, changed, ghosts, units = {}, [], [], {}
        kind = ALGORITHMS[header["filedigestalgo"] or 1]
        for path, mode, flags, user, group, digest in self.files(header):
            if flags & GHOST:
                if self.entry(path):
                    ghosts.append(path)
                continue
            entries[path] = [stat.filemode(mode & 0xFFFF), ROOT if user == group == "root" else f"{user}/{group}"]
            if "/systemd/" in path:
                units[path] = digest
            if installed and flags & CONFIG and stat.S_ISREG(mode & 0xFFFF) and self.digest(path, kind) != digest:
                changed.append(path)
        if installed:
            entries = {path: found for path in entries if (found := self.entry(path))}
        return {"says": spoken(header), "entries": entries, "changed": changed, "ghosts": ghosts, "units": units,
                "names": header["filenames"] or []}  # fmt: skip

    def files(self, header):
        """Yield what a header says of each of its files, with its path as it is in the tree."""
        names = ("filemodes", "fileflags", "fileusername", "filegroupname", "filedigests")
        columns = [header[name] or [] for name in names]
        for path, *values in zip(header["filenames"] or [], *columns, strict=True):
            if not path.startswith(MOUNTED):
                yield self.spelt(path), *values

    def spelt(self, path):
        """Return a path as it is in the tree, where directories may be links."""
        directory, name = posixpath.split(path)
        return posixpath.join(self.real(directory), name) if name else path

    @cache  # noqa: B019 - there is one tree
    def real(self, directory):
        """Return where a directory really is in the tree."""
        if directory in ("/", ""):
            return "/"
        above, name = posixpath.split(directory)
        path = posixpath.join(self.real(above), name)
        if os.path.islink(self.root + path):
            return self.real(posixpath.normpath(posixpath.join(posixpath.dirname(path), os.readlink(self.root + path))))
        return path

    def entry(self, path):
        """Return what is at a path: kind and mode, and the owner; the root of a namespace is root."""
        try:
            status = os.lstat(self.root + path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return [stat.filemode(status.st_mode), f"{status.st_uid}/{status.st_gid}"]

    def digest(self, path, kind):
        """Return the sum of a file; an empty text if there is none."""
        try:
            with open(self.root + path, "rb") as file:
                return hashlib.file_digest(file, kind).hexdigest()
        except OSError:
            return ""

    def around(self, installed, parts):
        """Return who owns the paths of these packages, what is there, and what is below their directories."""
        wanted = {path for part in parts for path in part["entries"]}
        owners = defaultdict(set)
        for header in installed:
            for path in header["filenames"] or []:
                if (spelt := self.spelt(path)) in wanted:
                    owners[spelt].add(header["name"])
        there = {path: found for path in wanted if (found := self.entry(path))}
        changed = {part["says"]["name"] for part in parts}
        mine = [path for path, (mode, _) in there.items() if mode.startswith("d") and owners[path] <= changed]
        below = {path: [posixpath.join(path, name) for name in os.listdir(self.root + path)] for path in mine}
        return {"owners": {path: sorted(names) for path, names in owners.items()}, "there": there, "below": below}

    def emptied(self, after, coming, leaving, laid_out):
        """Return the directories that no package owns, and in which nothing would be left."""
        owned = {self.spelt(path) for one in after for path in one["filenames"] or []} | laid_out
        kept = {above for part in coming for path in part["entries"] for above in parents(path)}
        gone = {path for part in leaving for path in part["entries"]}
        found = []
        for path in sorted({above for one in gone for above in parents(one)}, key=len, reverse=True):
            mine = path not in owned and path not in kept and path not in gone and os.path.isdir(self.root + path)
            if mine and all(posixpath.join(path, name) in gone for name in os.listdir(self.root + path)):
                gone.add(path)
                found.append(path)
        return found

    def units(self, staying):
        """Return the links that switch units on, by directory, and which of those directories packages own."""
        links = {}
        for top in UNITS:
            for directory, _, names in os.walk(os.path.join(self.root, top)):
                path = directory[len(self.root) :]
                links[path] = [self.target(posixpath.join(path, name)) for name in names]
        owned = {path for one in staying for path in map(self.spelt, one["filenames"] or []) if path in links}
        return {"links": links, "owned": sorted(owned)}

    def target(self, path):
        """Return where a link leads, spelt as in the tree; the path itself if it is none."""
        if not os.path.islink(self.root + path):
            return path
        led = posixpath.join(posixpath.dirname(path), os.readlink(self.root + path))
        return self.spelt(posixpath.normpath(led))


def parents(path):
    """Yield the directories above a path."""
    while path != "/":
        path = posixpath.dirname(path)
        yield path


if __name__ == "__main__":
    main()
