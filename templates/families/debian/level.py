"""Run by the Python of this host in a namespace of its own: makes the notes of apt and dpkg in a tree the same.

Standard input says which tree, and of one that was changed: whom the lists ask for now or do not any more.
"""

import json
import os
import sys
from pathlib import Path

GONE = (
    "etc/apt/sources.list", "var/cache/apt/*.bin", "var/cache/debconf/*-old", "var/lib/dpkg/*-old",
    "var/log/alternatives.log", "var/log/apt/*", "var/log/dpkg.log",
)  # fmt: skip
STATES = "var/lib/apt/extended_states"
MARK = "Auto-Installed: 1"


def main():
    """Go into the tree and do it."""
    asked = json.load(sys.stdin)
    os.chroot(asked["tree"])
    os.chdir("/")
    for pattern in GONE:
        for path in Path().glob(pattern):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
    states(asked)


def states(asked):
    """Sort why packages are there, and bring it up to date (apt-mark(8))."""
    text = read(STATES)
    found = [part.strip("\n") for part in (text or "").split("\n\n") if MARK in part.splitlines()]
    dropped = set(asked.get("not_automatic", ()))
    kept = {part for part in found if name_of(part) not in dropped}
    for name in asked.get("automatic", ()):
        kept.add(f"Package: {name}\nArchitecture: {asked['architecture']}\n{MARK}")
    if kept or text is not None:
        write(STATES, "".join(f"{part}\n\n" for part in sorted(kept)))


def name_of(part):
    """Return the name in a paragraph."""
    return part.partition("\n")[0].partition(": ")[2]


def read(path):
    """Return the text of a file, None if there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def write(path, text):
    """Write a file anew, with another name for its content: the old one may belong to another tree, too."""
    target, beside = Path(path), Path(f"{path}.new")
    beside.write_text(text, encoding="utf-8", errors="surrogateescape")
    if target.exists():
        status = target.stat()
        os.chown(beside, status.st_uid, status.st_gid)
        beside.chmod(status.st_mode & 0o7777)
    beside.replace(target)


if __name__ == "__main__":
    main()
