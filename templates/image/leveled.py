"""Run by the Python of this host in a namespace of its own: takes out of a tree what differs from build to build.

Standard input says which tree, what time directories get, and of a tree that was changed: on what day (since 1970)
entries were made in the files of users before and now.
"""

import json
import os
import sys
from pathlib import Path

GONE = (
    "etc/group-", "etc/gshadow-", "etc/passwd-", "etc/shadow-", "etc/subgid-", "etc/subuid-",
    "var/cache/ldconfig/aux-cache", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed",
)  # fmt: skip
MACHINE = Path("etc/machine-id")
SHADOW = Path("etc/shadow")


def main():
    """Go into the tree and do it."""
    asked = json.load(sys.stdin)
    os.chroot(asked["tree"])
    os.chdir("/")
    for name in GONE:
        path = Path(name)
        if path.is_symlink() or path.is_file():
            path.unlink()
    if MACHINE.is_file() and MACHINE.stat().st_size:
        replace(MACHINE, "")
    if asked["days"]:
        days(*map(str, asked["days"]))
    dated(b".", asked["epoch"])


def days(before, now):
    """Let entries that were made on the day of the old tree be made on that of the new (shadow(5))."""
    if before == now or not SHADOW.exists():
        return
    text = SHADOW.read_text(encoding="utf-8", errors="surrogateescape")
    rows = [line.split(":") for line in text.splitlines()]
    for row in rows:
        if len(row) > 2 and row[2] == before:
            row[2] = now
    replace(SHADOW, "".join(f"{':'.join(row)}\n" for row in rows))


def replace(target, text):
    """Write a file anew, with another name for its content: the old one may belong to another tree, too."""
    beside = Path(f"{target}.new")
    beside.write_text(text, encoding="utf-8", errors="surrogateescape")
    status = target.stat()
    os.chown(beside, status.st_uid, status.st_gid)
    beside.chmod(status.st_mode & 0o7777)
    beside.replace(target)


def dated(path, epoch):
    """Give all directories the same time: when something was last put into one depends on the order."""
    with os.scandir(path) as entries:
        below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for one in below:
        dated(one, epoch)
    os.utime(path, (epoch, epoch))


if __name__ == "__main__":
    main()
