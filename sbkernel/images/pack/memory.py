"""What is remembered of the tree of an image and of its last root, so that the next packing does only what is new."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Where it is kept: sums of files (images/sums.py), and where in the root `last` each unit lies (squashfs).

    Files are remembered that were last changed before a time (st_ctime_ns).
    """

    sums: Path
    units: Path
    before_ns: int
    last: Path | None = None
