"""The file of a record while its notebook runs: written whole each time, and locked by the process that runs it.

The lock tells a run that goes on from one that was killed: the kernel releases it with the process (flock(2)).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sbkernel import files

_STATUS = Path("/proc/self/status")


class WorkingFile:
    """A file whose every state is locked before it has its name, so that no reader sees it without its lock."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._turn: int | None = None

    def write(self, text: str) -> None:
        """Replace the content; whoever could read the file can, and nobody else."""
        with files.writing(self._path, mode=mode_of(self._path)) as file:
            file.write(text.encode())
            turn = files.hold(Path(f"/proc/self/fd/{file.fileno()}"))
        self.close()
        self._turn = turn

    def close(self) -> None:
        """Release the lock: the run is over."""
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None


def mode_of(path: Path) -> int:
    """Return the mode of a file, or that which a new one gets."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        # umask(2) can be asked only by changing it, which other threads would see.
        umask = next(line for line in _STATUS.read_text().splitlines() if line.startswith("Umask:"))
        return 0o666 & ~int(umask.split()[1], 8)


def is_locked(path: Path) -> bool:
    """Tell whether the process that writes a file lives; False of a file that is gone."""
    while True:
        before = _inode(path)
        if files.is_held(path):
            return True
        if _inode(path) == before:  # else it was replaced just then, and what we asked about is no longer it
            return False


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
