"""The events of a job as values: one JSON object a line, and what they add up to.

Kinds: state (state, error, hint), phase-start (title, total), phase-end (title, seconds, ok),
progress (done, total, text), result (data), artefact (name, digest, size). Log lines are not events; they are in
log.txt.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Event:
    """Something that happened in a job at `t`, seconds since the epoch."""

    t: float
    kind: str
    data: Mapping[str, Any]

    def line(self) -> bytes:
        """Return the event as one line of events.jsonl."""
        # ASCII, because a file name that is no UTF-8 can be a part of any text.
        return json.dumps({"t": round(self.t, 3), "kind": self.kind, **self.data}).encode() + b"\n"


def parse_events(chunk: bytes) -> tuple[list[Event], int]:
    """Return the events in the complete lines of a chunk, and how many bytes those lines take.

    A last line without its end is a write in progress, or a writer that was killed in it; it is left alone.
    """
    used = chunk.rfind(b"\n") + 1
    return list(_events(chunk[:used])), used


def _events(lines: bytes) -> Iterator[Event]:
    for line in lines.splitlines():
        with contextlib.suppress(ValueError):  # cut short by a full disk
            fields = json.loads(line)
            yield Event(fields.pop("t"), fields.pop("kind"), fields)


@dataclass(frozen=True)
class Progress:
    """Where a job stands: the open phase, its units of work, and (title, seconds) of all phases so far.

    `seconds` is None while a phase is open; `total` is None when nobody knows.
    """

    phase: str = ""
    done: int = 0
    total: int | None = None
    text: str = ""
    phases: tuple[tuple[str, float | None], ...] = ()

    @property
    def fraction(self) -> float | None:
        """Return the part of the open phase that is done, 0 to 1, or None when nobody knows."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass
class Summary:
    """What the events read so far add up to."""

    state: str = "pending"
    error: str | None = None
    hint: str | None = None
    started: float | None = None
    ended: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    artefacts: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    def apply(self, event: Event) -> None:
        """Take one more event into account; unknown kinds are left to readers that know them."""
        data = event.data
        match event.kind:
            case "state":
                self._state(event)
            case "result":
                self.result.update(data["data"])
            case "artefact":
                self.artefacts[data["name"]] = data["digest"]
            case "phase-start":
                phases = (*self.progress.phases, (data["title"], None))
                self.progress = Progress(data["title"], 0, data.get("total"), "", phases)
            case "phase-end":
                self._phase_end(data["title"], data["seconds"])
            case "progress":
                now = self.progress
                total = now.total if data.get("total") is None else data["total"]
                self.progress = Progress(now.phase, data["done"], total, data.get("text", ""), now.phases)

    def _state(self, event: Event) -> None:
        self.state = event.data["state"]
        self.error = event.data.get("error")
        self.hint = event.data.get("hint")
        if self.state in FINAL_STATES:
            self.ended = event.t
        else:
            self.started = event.t

    def _phase_end(self, title: str, seconds: float) -> None:
        phases = list(self.progress.phases)
        if (title, None) in phases:
            phases[phases.index((title, None))] = (title, seconds)
        still_open = [name for name, took in phases if took is None]
        if title == self.progress.phase:
            self.progress = Progress(still_open[-1] if still_open else "", phases=tuple(phases))
        else:
            now = self.progress
            self.progress = Progress(now.phase, now.done, now.total, now.text, tuple(phases))
