"""Let one process at a time work on a directory; an error tells the next one who is at work there."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import LockedError
from sbkernel.files import made, take


def lock_file(path: Path) -> Path:
    """Return the lock file of a path: beside it, so that the path itself can be replaced."""
    return path.with_name(f".{path.name}.lock")


@contextlib.contextmanager
def lock(path: Path, verb: str, *, what: str = "root image dir") -> Iterator[None]:
    """Hold the lock on a path for a block; `what` says in the error what the path is.

    Raises LockedError, naming the holder, when it is taken. The lock file stays: if it were removed, two processes
    could hold the lock at once.
    """
    made(path.parent)
    try:
        descriptor = take(lock_file(path), wait=False)
    except BlockingIOError:
        raise _locked(lock_file(path).read_text(), path, what) from None
    try:
        _write(descriptor, json.dumps({"pid": os.getpid(), "verb": verb, "since": time.time()}))
        try:
            yield
        finally:
            _write(descriptor, "")
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _locked(text: str, path: Path, what: str) -> LockedError:
    who, since = "", ""
    with contextlib.suppress(ValueError):  # empty, or in parts, for the instant in which holders change
        holder = json.loads(text)
        who = f"{holder['verb']} process {holder['pid']}"
        since = time.strftime(" since %Y-%m-%d %H:%M:%S", time.localtime(holder["since"]))
    return LockedError(
        f"failed to acquire lock, seems there is another {who or 'process'} running on {what} {path}{since}",
        hint="wait for it, or end it: `sb jobs` lists jobs, `sb jobs cancel ID` ends one",
    )
