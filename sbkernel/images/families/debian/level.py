"""Make what differs from one build to the next the same in a tree of packages, however it was filled."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.jobs.run import run


def level(tree: Path, epoch: int, **changed: Any) -> None:
    """Remove what only a build needs, sort what records the order of installation, date directories `epoch` (seconds).

    `changed` is what the script must know of a tree that was another before.
    """
    script = resources.templates() / "families" / "debian" / "level.py"
    asked = {"tree": str(tree), "epoch": epoch, **changed}
    run([sys.executable, "-I", script], input=json.dumps(asked), isolated=True)
