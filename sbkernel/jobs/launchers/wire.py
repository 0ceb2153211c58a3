"""What two machines say to each other: lines of JSON, each with a `kind`, and bytes behind those that have a `size`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from sbkernel.errors import JobError

PIECE = 1 << 18
CODE, READY, ORDER, NEED, BLOB, BEAT, CANCEL, ERROR, LOG = (
    "code", "ready", "order", "need", "blob", "beat", "cancel", "error", "log",
)  # fmt: skip
"""The kinds of messages beside those of events (jobs/events.py)."""
LONGEST_LINE = 64 << 20


class WireError(JobError):
    """What came is no message, or the other side is gone."""


class Sender:
    """Send messages, one at a time; safe to use from threads. One that was cut short breaks it for good."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self.broken = False

    def send(self, kind: str, content: IO[bytes] | None = None, **data: Any) -> None:
        """Send a message with what is in `content`, of which `data` has the `size`. OSError when nobody listens."""
        with self._turn:
            if self.broken:
                raise BrokenPipeError("an earlier message was cut short")
            self.broken = True
            self._write(json.dumps({"kind": kind, **data}).encode() + b"\n")
            left = int(data["size"]) if content is not None else 0
            while content is not None and left:
                if not (piece := content.read(min(left, PIECE))):
                    raise WireError(f"{kind}: the file became shorter while it was sent")
                self._write(piece)
                left -= len(piece)
            self.broken = False

    def raw(self, data: bytes) -> None:
        """Send bytes that are no message."""
        with self._turn:
            self.broken = True
            self._write(data)
            self.broken = False

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:  # a raw pipe takes what it can
            view = view[self._stream.write(view) or 0 :]
        self._stream.flush()


def receive(stream: IO[bytes]) -> Mapping[str, Any] | None:
    """Return the next message, or None at the end; WireError for anything else."""
    line = stream.readline(LONGEST_LINE)
    if not line:
        return None
    try:
        message = json.loads(line)
        message["kind"]
    except (ValueError, TypeError, KeyError):
        raise WireError(f"this is no message: {line[:80]!r}") from None
    found: Mapping[str, Any] = message
    return found


class Content:
    """The bytes behind a message, to be read once; `on_piece` is called for each piece."""

    def __init__(self, stream: IO[bytes], size: int, on_piece: Callable[[], None] = lambda: None) -> None:
        self._stream = stream
        self._on_piece = on_piece
        if not isinstance(size, int) or size < 0:
            raise WireError(f"this is no size: {size!r}")
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, b"" at the end; WireError if the other side is gone before."""
        wanted = min(self.left, PIECE, size if size >= 0 else PIECE)
        if not wanted:
            return b""
        piece = self._stream.read(wanted)
        if not piece:
            raise WireError("the connection ended within a file")
        self.left -= len(piece)
        self._on_piece()
        return piece
