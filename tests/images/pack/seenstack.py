"""What a node sees of a stack of packed roots: mounted over each other as its initrd does, in a namespace of its own.

`python seenstack.py PLACE ROOT...`, the bottom root first, prints what is seen as JSON, and so does `described()` of a
tree.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

ACLS = "system.posix_acl_"  # which squashfs does not keep


def seen(place: Path, roots: list[Path]) -> dict[str, object]:
    """Return by path what a node sees."""
    place.mkdir(exist_ok=True)
    argv = ["unshare", "--mount", sys.executable, __file__, str(place), *map(str, roots)]
    return dict(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))


def described(tree: Path, kept: Collection[str] = ()) -> dict[str, object]:
    """Return by path: kind and mode, owner, time, content, attributes, and the names that are one file.

    If any are given, only the `kept` paths (./x) are there.
    """
    paths = [path for path in (tree, *tree.rglob("*")) if not kept or f"./{path.relative_to(tree)}" in {*kept, "./."}]
    names: dict[tuple[int, int], list[str]] = {}
    for path in sorted(paths):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            names.setdefault((status.st_dev, status.st_ino), []).append(str(path.relative_to(tree)))
    found: dict[str, object] = {}
    for path in paths:
        status = path.lstat()
        same = names.get((status.st_dev, status.st_ino), [])
        owner, when = [status.st_uid, status.st_gid], int(status.st_mtime)
        found[str(path.relative_to(tree))] = [
            status.st_mode,
            owner,
            when,
            content(path, status),
            attributes(path),
            same,
        ]
    return found


def content(path: Path, status: os.stat_result) -> object:
    if stat.S_ISREG(status.st_mode):
        return path.read_bytes().hex()
    return str(path.readlink()) if stat.S_ISLNK(status.st_mode) else status.st_rdev


def attributes(path: Path) -> list[list[str]]:
    """Return the extended attributes; [] on a squashfs that has none at all."""
    try:
        names = sorted(name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith(ACLS))
    except OSError:
        return []
    return [[name, os.getxattr(path, name, follow_symlinks=False).hex()] for name in names]


def main() -> None:
    place, *roots = map(Path, sys.argv[1:])
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    lowers = []
    for number, root in enumerate(roots):
        (place / str(number)).mkdir()
        subprocess.run(["mount", "-o", "ro,loop", root, place / str(number)], check=True)
        lowers.insert(0, str(number))
    (place / "root").mkdir()
    mount = ["-t", "overlay", "overlay", "-o", f"lowerdir={':'.join(lowers)}"] if len(lowers) > 1 else ["--bind", "0"]
    subprocess.run(["mount", *mount, "root"], cwd=place, check=True)
    json.dump(described(place / "root"), sys.stdout)


if __name__ == "__main__":
    main()
