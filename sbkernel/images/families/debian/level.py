"""Make what differs from one build to the next the same in a tree of packages, however it was filled."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.images.tree import leveled
from sbkernel.jobs.run import run


def level(tree: Path, epoch: int, days: Sequence[int] = (), **changed: Any) -> None:
    """Remove what only a build needs, sort what records the order of installation, date directories `epoch` (seconds).

    `changed` is what the script must know of a tree that was another before, as are the `days` of both.
    """
    script = resources.templates() / "families" / "debian" / "level.py"
    run([sys.executable, "-I", script], input=json.dumps({"tree": str(tree), **changed}), isolated=True)
    leveled.level(tree, epoch, days)
