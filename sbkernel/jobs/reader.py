"""What the directory of a job says: its state, events, progress, result and the end of its log.

spec.json (what, where, by whom), order.json (the order that is carried out), events.jsonl (how it goes), log.txt
(detail), lock (held by the worker while it lives), pid, cancel (who asked for it), artefacts/ (files it made, by
digest). A job's state is read from there and nowhere else, so any number of kernels can watch it. A worker that died
without a final event was killed.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sbkernel.files import is_held
from sbkernel.jobs.directory import last_lines
from sbkernel.jobs.events import FINAL_STATES, Event, Progress, Summary, parse_events

POLL_S = 0.1


class JobReader:
    """Reads one job; not to be shared between threads."""

    def __init__(self, directory: Path) -> None:
        self.dir = directory
        self.id = directory.name
        self.spec: dict[str, Any] = json.loads((directory / "spec.json").read_text())
        self.verb: str = self.spec["verb"]
        self.log_path = directory / "log.txt"
        self._events: list[Event] = []
        self._offset = 0
        self._summary = Summary()
        self._ended: Summary | None = None

    @property
    def state(self) -> str:
        """Return pending, running, succeeded, failed or cancelled."""
        return self._outcome().state

    @property
    def done(self) -> bool:
        """Tell whether the job has ended, well or not."""
        return self.state in FINAL_STATES

    @property
    def result(self) -> dict[str, Any]:
        """Return what the target reported and returned so far."""
        return self._refresh().result

    @property
    def artefacts(self) -> dict[str, str]:
        """Return the sha256 of every file that the target handed over so far, by its name."""
        return self._refresh().artefacts

    @property
    def error(self) -> str | None:
        """Return why the job failed, or None."""
        return self._outcome().error

    @property
    def progress(self) -> Progress:
        """Return where the job stands."""
        return self._refresh().progress

    @property
    def created(self) -> float:
        """Return when the job was asked for, in seconds since the epoch."""
        return float(self.spec["created"])

    @property
    def seconds(self) -> float:
        """Return how long the job ran, or has been running."""
        summary = self._outcome()
        ended = summary.ended if summary.state in FINAL_STATES else time.time()
        return (ended or self.created) - self.created

    def events(self, start: int = 0) -> list[Event]:
        """Return the events from number `start` on; costs no more than the new ones."""
        self._refresh()
        return self._events[start:]

    def follow(self) -> Iterator[list[Event]]:
        """Yield the events so far, and then what is new every 0.1 s until the job is done."""
        seen = 0
        while True:
            done = self._refresh().state in FINAL_STATES
            new = self._events[seen:]
            seen += len(new)  # before the yield: whoever looks at the job meanwhile makes us read on
            yield new
            if done:
                return
            time.sleep(POLL_S)

    def tail(self, lines: int = 20) -> list[str]:
        """Return the last lines of the log."""
        return last_lines(self.log_path, lines)

    def _outcome(self) -> Summary:
        """Return state, error and times; of a job that ended before we looked, only its last event is read."""
        if self._ended is None and not self._offset:
            last = Summary()
            for event in parse_events("\n".join([*last_lines(self.dir / "events.jsonl", 1), ""]).encode())[0]:
                last.apply(event)
            self._ended = last if last.state in FINAL_STATES else None
        return self._ended or self._refresh()

    def _refresh(self) -> Summary:
        if self._summary.state in FINAL_STATES:
            return self._summary
        # Asked before reading: a worker that writes its last event and exits in between is then still seen alive.
        alive = is_held(self.dir / "lock")
        self._read_new()
        if not alive and self._summary.state not in FINAL_STATES:
            self._summary.ended = self._events[-1].t if self._events else self.created
            self._summary.state, self._summary.error = self._how_it_died()
        return self._summary

    def _read_new(self) -> None:
        with contextlib.suppress(FileNotFoundError), (self.dir / "events.jsonl").open("rb") as stream:
            stream.seek(self._offset)
            events, used = parse_events(stream.read())
            self._offset += used
            self._events += events
            for event in events:
                self._summary.apply(event)

    def _how_it_died(self) -> tuple[str, str]:
        if (self.dir / "cancel").exists():
            return "cancelled", "cancelled"
        last = "".join(self.tail(1))
        why = "killed: its process ended without saying why"
        return "failed", f"{why}; last line of its log: {last}" if last else why
