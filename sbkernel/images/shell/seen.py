"""Run in a namespace in which a changed copy of a tree is seen: prints which packages changed, and their paths.

argv names the tree as it was and the tree as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sbkernel.errors import SbkernelError
from sbkernel.images.tree.installed import NoDatabaseError, of_tree, paths
from sbkernel.packages.manifest import Manifest


def main() -> None:
    """Print {packages: [[name, old version, new version]], asked: [name], paths: [path]}."""
    old, new = (Path(word) for word in sys.argv[1:])
    before, after = _packages(old), _packages(new)
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    names = {name for name, _ in changed}
    there = [path for tree in (old, new) for found in paths(tree, names).values() for path in found] if names else []
    packages = [[name, ", ".join(before.get((name, arch), ())), ", ".join(after.get((name, arch), ()))]
                for name, arch in changed]  # fmt: skip
    asked = sorted({one.name for one in _manifest(new) if one.explicit and one.name in names})
    seen = sorted({path.strip("/") for path in there} | {_merged(path) for path in there})
    json.dump({"packages": packages, "asked": asked, "paths": seen}, sys.stdout)


def _manifest(tree: Path) -> Manifest:
    try:
        return of_tree(tree)
    except NoDatabaseError:
        return Manifest(())


def _packages(tree: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    return {key: tuple(sorted(one.version for one in found)) for key, found in _manifest(tree).versions().items()}


def _merged(path: str) -> str:
    """Return a path as it lies in a tree whose /bin and its like are links into /usr."""
    bare = path.strip("/")
    return f"usr/{bare}" if bare.startswith(("bin/", "sbin/", "lib")) else bare


if __name__ == "__main__":
    try:
        main()
    except SbkernelError as error:
        sys.exit(error.message)
