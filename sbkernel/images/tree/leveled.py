"""What differs from one build of the same packages to the next, whichever package manager has installed them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sbkernel.images.tree.scripts import Call, of_image, run_in_turn

SCRIPT = of_image("leveled")


def level(tree: Path, epoch: int, days: Sequence[int] = ()) -> None:
    """Remove backups and notes of the build, and give all directories the time `epoch`, in seconds.

    Of a tree that was another before, `days` are those since 1970 on which users were made before and are made now.
    """
    run_in_turn([leveling(tree, epoch, days)])


def leveling(tree: Path, epoch: int, days: Sequence[int] = ()) -> Call:
    """Return the call of the script that does so."""
    return Call(SCRIPT, input=json.dumps({"tree": str(tree), "epoch": epoch, "days": list(days)}))
