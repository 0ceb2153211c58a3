"""The log of one console: raw bytes as they came, and beside it an index of when each piece came."""

from __future__ import annotations

import json
import os
import sys
import time
from bisect import bisect_left
from pathlib import Path

from sbkernel.service.appendlog import AppendLog
from sbkernel.service.console.plaintext import plain

_STAMP_EVERY_S = 0.05
_INDEX_END = 8 * 1024


class ConsoleLog:
    """Write <node>.log (raw bytes) and <node>.index (JSON lines `[epoch_s, offset, kind]`).

    `kind` is `out` for bytes of the node from that offset on, else an event: `connected`, `lost: why`, `power: on`.
    Bytes within 50 ms of a stamp belong to it, so that a busy console does not double its log.
    """

    def __init__(self, directory: Path, node: str) -> None:
        self._bytes = AppendLog(directory / f"{node}.log")
        self._index = AppendLog(directory / f"{node}.index")
        self._stamped = 0.0

    def write(self, data: bytes) -> None:
        """Append bytes of the node."""
        offset = self._bytes.write(data)
        now = time.time()
        if now - self._stamped > _STAMP_EVERY_S:
            self._stamp(now, offset, "out")

    def event(self, kind: str) -> None:
        """Note that something happened to the console at this place of the log."""
        self._stamp(time.time(), self._bytes.write(b""), kind)

    def close(self) -> None:
        """Close both files."""
        self._bytes.close()
        self._index.close()

    def _stamp(self, now: float, offset: int, kind: str) -> None:
        self._stamped = now
        self._index.write(json.dumps([round(now, 3), offset, kind]).encode() + b"\n")


def last_bytes(path: Path, limit: int) -> bytes:
    """Return the end of a log, at most `limit` bytes, nothing when there is no log yet."""
    return end_of(path, limit)[1]


def end_of(path: Path, limit: int) -> tuple[int, bytes, float]:
    """Return the end of a file, at most `limit` bytes, after its first byte and before the time of its last change."""
    try:
        with path.open("rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            start = file.seek(max(0, state.st_size - limit))
            return start, file.read(), state.st_mtime
    except FileNotFoundError:
        return 0, b"", 0.0


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a raw console log as plain text."""
    lines = plain(last_bytes(path, 200 * count + 4096)).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip() for line in lines[-count:]]


def bytes_since_power(directory: Path, node: str) -> int:
    """Return how many bytes a node has written since its power was last switched; 0 when that is not known."""
    try:
        lines = (directory / f"{node}.index").read_text(errors="replace").splitlines()
        size = (directory / f"{node}.log").stat().st_size
    except FileNotFoundError:
        return 0
    power = next((line for line in reversed(lines) if '"power: ' in line), None)
    return max(0, size - int(json.loads(power)[1])) if power else 0


def place_of(directory: Path, node: str, moment: float) -> tuple[int, str]:
    """Return at which byte of its log a console was at a moment, and its state by now: `connected`, `lost: why` or "".

    Only the end of the index is read: if that began later, the byte is that of its first line.
    """
    start, data, _ = end_of(directory / f"{node}.index", _INDEX_END)
    lines = data.split(b"\n")[bool(start) : -1]
    events = (line for line in reversed(lines) if not line.endswith((b'"out"]', b'"not connected at power on"]')))
    kinds = (str(stamp[2]) for line in events if (stamp := _stamp_of(line)))
    state = next((kind for kind in kinds if not kind.startswith("power: ")), "")
    number = bisect_left(lines, moment, key=lambda line: (_stamp_of(line) or (0.0,))[0])
    stamp = _stamp_of(lines[number]) if number < len(lines) else None
    return (int(stamp[1]) if stamp else sys.maxsize), state


def _stamp_of(line: bytes) -> tuple[float, int, str] | None:
    try:
        when, offset, kind = json.loads(line)
        return float(when), int(offset), str(kind)
    except (ValueError, TypeError):
        return None
