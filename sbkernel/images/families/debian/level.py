"""Make what differs from one build to the next the same in a tree of packages, however it was filled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.images.tree import leveled
from sbkernel.images.tree.scripts import Call, run_in_turn


def level(tree: Path, epoch: int) -> None:
    """Remove what only a build needs, sort what tells the order of installation, date directories `epoch` (seconds)."""
    run_in_turn(leveling(tree, epoch))


def leveling(tree: Path, epoch: int, days: Sequence[int] = (), **changed: Any) -> list[Call]:
    """Return the calls of scripts that do so.

    `changed` is what they must know of a tree that was another before, as are the `days` of both.
    """
    script = resources.templates() / "families" / "debian" / "level.py"
    asked = json.dumps({"tree": str(tree), **changed})
    return [Call(script, input=asked), leveled.leveling(tree, epoch, days)]
