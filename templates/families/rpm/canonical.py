"""Run by the Python that dnf itself runs with, in a namespace of its own: writes the records of a tree's packages anew.

rpm's database and dnf's history tell the order and the time in which packages came in. Here both are made as if all
had come at once, in the order of their names, so that the same packages always have the same records.
"""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

HEADER = b"\x8e\xad\xe8\x01\0\0\0\0"
"""What begins a header outside of a database (rpm-format(7))."""
NAME, VERSION, RELEASE, ARCH = 1000, 1001, 1002, 1022
TIMES = (1008, 1128)
"""INSTALLTIME and INSTALLTID: when a package came in, in seconds since the epoch."""
DATABASE = "rpmdb.sqlite"


def main():
    """Make the records of {root} those of {packages}, and leave {files} there."""
    asked = json.load(sys.stdin)
    os.umask(0o022)
    root, scratch = Path(asked["root"]), Path(asked["scratch"])
    packages(within(root, asked["database"]), scratch / "database", asked["epoch"])
    if asked["history"]:
        history(within(root, "var/lib/dnf"), asked)
    for module in within(root, "etc/dnf/modules.d").glob("*.module") if not asked["over"] else ():
        module.unlink()
    if not asked["history"] and not asked["over"]:
        remove_empty(root / "etc/dnf/modules.d", root / "etc/dnf")
    for name, text in asked["files"].items():
        path = within(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)


def within(root, name):
    """Return a path in the tree; no link leads out of it."""
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        sys.exit(f"{name} leads out of the tree")
    return path


def packages(place, new, epoch):
    """Write rpm's database anew, with nothing beside it."""
    with closing(sqlite3.connect(place / DATABASE)) as database:
        headers = [blob for (blob,) in database.execute("SELECT blob FROM Packages")]
    new.mkdir()
    exported = b"".join(HEADER + blob for _, blob in sorted(dated(blob, epoch) for blob in headers))
    subprocess.run(["rpmdb", "--dbpath", new, "--importdb"], input=exported, check=True)
    whole(new / DATABASE)
    for old in place.iterdir():
        if old.is_file():
            old.unlink()
    shutil.copyfile(new / DATABASE, place / DATABASE)


def dated(blob, epoch):
    """Return what a header is sorted by, and the header as of a package that came in at this time."""
    count, _ = struct.unpack_from(">II", blob)
    start = 8 + 16 * count
    new, texts = bytearray(blob), {}
    for number in range(count):
        tag, _, offset, _ = struct.unpack_from(">IIII", blob, 8 + 16 * number)
        if tag in TIMES:
            struct.pack_into(">I", new, start + offset, epoch)
        elif tag in (NAME, VERSION, RELEASE, ARCH):
            texts[tag] = blob[start + offset : blob.index(b"\0", start + offset)]
    return [texts.get(tag, b"") for tag in (NAME, VERSION, RELEASE, ARCH)], bytes(new)


def history(place, asked):
    """Write the history of dnf 4 as of one transaction."""
    from libdnf import transaction

    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob("history.sqlite*"):
        old.unlink()
    path = place / "history.sqlite"
    reasons = {
        "user": transaction.TransactionItemReason_USER,
        "group": transaction.TransactionItemReason_GROUP,
        "dependency": transaction.TransactionItemReason_DEPENDENCY,
        "weak": transaction.TransactionItemReason_WEAK_DEPENDENCY,
    }
    database = transaction.Swdb(str(path))
    database.initTransaction()
    for one in asked["packages"]:
        item = database.createRPMItem()
        item.setName(one["name"])
        item.setEpoch(int(one["epoch"]))
        item.setVersion(one["version"])
        item.setRelease(one["release"])
        item.setArch(one["arch"])
        action = transaction.TransactionItemAction_INSTALL
        database.addItem(item, one["repository"], action, reasons[one["reason"]]).setState(
            transaction.TransactionItemState_DONE
        )
    database.beginTransaction(asked["epoch"], "", "", 0)
    database.setReleasever(asked["release"])
    database.endTransaction(asked["epoch"], "", transaction.TransactionState_DONE)
    database.closeTransaction()
    del database
    whole(path)


def whole(path):
    """Leave one file of a database, without the log of what was written last."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("VACUUM")


def remove_empty(*places):
    """Remove directories that nothing is in."""
    for place in places:
        try:
            place.rmdir()
        except OSError:
            return


if __name__ == "__main__":
    main()
