"""Write the events, log lines and artefacts of a job to its directory: the Report that its target gets."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sbkernel.jobs.blobs import Readable, artefacts_of
from sbkernel.jobs.events import Event

PROGRESS_INTERVAL_S = 0.1


class Journal:
    """Append events to events.jsonl and lines to log.txt, each with a single write; safe to use from threads."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._events = os.open(directory / "events.jsonl", flags, 0o600)
        self._log = os.open(directory / "log.txt", flags, 0o600)
        self._artefacts = artefacts_of(directory)
        self._lock = threading.Lock()
        self._last_progress = 0.0
        self._total: int | None = None

    def close(self) -> None:
        """Close both files."""
        os.close(self._events)
        os.close(self._log)

    def event(self, kind: str, **data: Any) -> None:
        """Append one event."""
        os.write(self._events, Event(time.time(), kind, data).line())

    def state(self, state: str, **data: Any) -> None:
        """Append a change of state and wait until it is on disk."""
        self.event("state", state=state, **data)
        os.fsync(self._events)

    @contextlib.contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:
        """Record when the phase starts and ends; an exception ends it as not ok."""
        self.event("phase-start", title=title, total=total)
        self._last_progress, self._total = 0.0, total
        start = time.monotonic()
        ok = False
        try:
            yield
            ok = True
        finally:
            self.event("phase-end", title=title, seconds=round(time.monotonic() - start, 3), ok=ok)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Record progress, at most ten times a second; the unit that completes `total` is never dropped."""
        now = time.monotonic()
        with self._lock:
            if now - self._last_progress < PROGRESS_INTERVAL_S and done != (total or self._total):
                return
            self._last_progress = now
        self.event("progress", done=done, total=total, text=text)

    def log(self, line: str) -> None:
        """Append a line to log.txt."""
        os.write(self._log, line.rstrip("\n").encode(errors="replace") + b"\n")

    def result(self, **data: Any) -> None:
        """Record a part of the result."""
        self.event("result", data=data)

    def artefact(self, name: str, file: Path) -> None:
        """Keep a copy of a file in the job's directory, and record its digest and its size in bytes."""
        digest = self._artefacts.put(file)
        self.event("artefact", name=name, digest=digest, size=file.stat().st_size)

    def received(self, name: str, digest: str, size: int, stream: Readable) -> None:
        """Keep a file that was made at another place, as artefact() does; JobError when it came damaged."""
        self._artefacts.receive(stream, digest)
        self.event("artefact", name=name, digest=digest, size=size)
