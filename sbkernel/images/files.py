"""Write small files whole or not at all, and take turns."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, data: str | bytes, mode: int = 0o644) -> None:
    """Write a file beside its place and rename it there, so that a reader sees the old text or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    new.write_bytes(data.encode() if isinstance(data, str) else data)
    new.chmod(mode)
    new.replace(path)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file unless it has that text already; its time then tells when it changed."""
    if not path.is_file() or path.read_text() != text:
        write_whole(path, text)


@contextlib.contextmanager
def in_turn(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock on a file for a block; whoever else asks for it waits, or gets BlockingIOError (flock(2))."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
