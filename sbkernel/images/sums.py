"""Sums of files that were read before, so that only what has changed is read again.

They lie beside the files, by inode, size and ctime: whatever changes a file changes its ctime, which nobody can set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sbkernel.files import write_whole
from sbkernel.jobs.processes import boot_id


def key_of(status: os.stat_result) -> str:
    """Return what tells a file, and that it is as it was."""
    return f"{status.st_ino} {status.st_size} {status.st_ctime_ns}"


def read(file: Path) -> dict[str, str]:
    """Return the sums that a file holds, by what tells a file; none from before a crash of the machine, or damaged."""
    with suppress(OSError, ValueError):
        data = json.loads(file.read_text())
        if isinstance(data, dict) and data.get("boot") == boot_id() and isinstance(data.get("sums"), dict):
            return {str(key): str(value) for key, value in data["sums"].items()}
    return {}


def write(file: Path, sums: Mapping[str, str], before_ns: int) -> None:
    """Keep the sums of files that were last changed before a time: one that is younger may change unseen."""
    old = {key: value for key, value in sums.items() if int(key.rpartition(" ")[2]) < before_ns}
    write_whole(file, json.dumps({"boot": boot_id(), "sums": old}))
