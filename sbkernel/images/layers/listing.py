"""What is in a tree: a list by which two are compared, and a sum of it by which damage is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sbkernel.images.tree import scripts
from sbkernel.jobs.run import run

SHOWN = 20


def seal(tree: Path) -> str:
    """Return a sum over everything in a tree but the content of files, of which size and time tell."""
    return str(sealing(tree)["seal"])


def sealing(tree: Path, *, keep: Path | None = None, use: Path | None = None) -> dict[str, Any]:
    """Return what is recorded with a layer: `seal`, and as `bytes` what it takes on the disk.

    What files are can be kept, and used for a tree in which hard links to the same files are: one inode is one file.
    """
    words = [word for name, file in (("keep", keep), ("use", use)) if file for word in (name, str(file))]
    found, size = _listing(tree, *words).split()
    return {"seal": found, "bytes": int(size)}


def listing(tree: Path, epoch: int) -> dict[str, str]:
    """Return what each path in a tree is, content included, as it is when what is newer is dated back to `epoch`."""
    found: dict[str, str] = json.loads(_listing(tree, str(epoch)))
    return found


def unlike(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the paths at which two lists differ, with what only the first has (-) and only the second (+). Pure."""
    lines: list[str] = []
    for path in sorted({*one, *other}):
        if one.get(path) != other.get(path):
            lines += [f"{sign} {path} {there[path]}" for sign, there in (("-", one), ("+", other)) if path in there]
    more = [f"and {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def _listing(tree: Path, *more: str) -> str:
    return run(scripts.argv(scripts.of_image("listing"), tree, *more), isolated=True).stdout
