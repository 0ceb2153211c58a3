"""What differs from one build of the same packages to the next, whichever package manager has installed them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sbkernel import resources
from sbkernel.jobs.run import run

SCRIPT = resources.templates() / "image" / "leveled.py"


def level(tree: Path, epoch: int, days: Sequence[int] = ()) -> None:
    """Remove backups and notes of the build, and give all directories the time `epoch`, in seconds.

    Of a tree that was another before, `days` are those since 1970 on which users were made before and are made now.
    """
    asked = {"tree": str(tree), "epoch": epoch, "days": list(days)}
    run([sys.executable, "-I", SCRIPT], input=json.dumps(asked), isolated=True)
