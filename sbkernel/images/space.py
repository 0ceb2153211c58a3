"""A disk that is full, said as such: programs say it in many words, and what they leave is removed by then."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

from sbkernel.errors import BuildError, SbkernelError

_ERRORS = (errno.ENOSPC, errno.EDQUOT)
_WORDS = re.compile(
    r"No space left on device|Disk quota exceeded|curl: \(23\)|needs \d+[KMG]?B more space|database or disk is full"
)
"""coreutils and most others; curl(1), EXIT CODES; package managers; SQLite. Programs run in the locale C.UTF-8."""
_MB = 1_000_000


def full(error: Exception, doing: str, place: Path) -> BuildError | None:
    """Return what to raise instead of `error` if its reason is a full disk, that of `place`; None if it is not."""
    if not (isinstance(error, OSError) and error.errno in _ERRORS) and not _WORDS.search(_text(error)):
        return None
    return BuildError(
        f"{doing}: no space left on the disk of {place}",
        hint="`sb gc --dry-run` shows what can be removed; the same verb then goes on where it stopped",
    )


def check(needed_bytes: int, what: str, place: Path) -> None:
    """Raise BuildError if a disk has less space than will be written to it."""
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise BuildError(
            f"{what} take {needed_bytes / _MB:.0f} MB, and {free / _MB:.0f} MB are free on the disk of {place}",
            hint="`sb gc --dry-run` shows what can be removed",
        )


def _text(error: Exception) -> str:
    """Return what an error says, with those that led to it."""
    said = [str(error)] if isinstance(error, SbkernelError) else []
    return "\n".join([*said, *([_text(error.__cause__)] if isinstance(error.__cause__, Exception) else [])])
