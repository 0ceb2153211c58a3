"""Roll-outs on disk: log/rollouts/ID/, one directory each (0700).

plan.json     what was decided, whole or not there        events.jsonl  what has happened (progress.py)
lock          held by the process that carries it out     job.json      the job that does or did so last
order.json    who asked for an end: stay, or go back
.turn         in log/rollouts: whose turn it is to begin one
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.files import is_held, made, write_whole
from sbkernel.jobs.reader import JobReader
from sbkernel.rollout.waves.plan import RolloutPlan
from sbkernel.rollout.waves.progress import Progress, Word, progress
from sbkernel.site import Site

STAY, GO_BACK = "stay", "back"
RUNNING, INTERRUPTED = "running", "interrupted"
_ID = re.compile(r"\d{8}T\d{9}-[A-Za-z0-9_.+:-]{1,128}", re.ASCII)


def folder(site: Site) -> Path:
    """Return the directory of the roll-outs of a site."""
    return made(site.log / "rollouts", mode=0o700)


@dataclass(frozen=True)
class Rollout:
    """One roll-out: read it as often as you like, it is as it stands on disk each time."""

    id: str
    dir: Path

    def plan(self) -> RolloutPlan:
        """Return what was decided. Raises SbkernelError when it cannot be read."""
        return RolloutPlan.from_dict(self._head()["plan"])

    @property
    def by(self) -> str:
        """Return who began it."""
        return str(self._head()["by"])

    @property
    def created(self) -> float:
        """Return when it was begun, in seconds since the epoch."""
        return float(self._head()["t"])

    def progress(self) -> Progress:
        """Return how far it is. A line that a full disk or a crash has cut counts for nothing."""
        return progress(self.plan(), self.events())

    def events(self) -> list[dict[str, Any]]:
        """Return what has happened, oldest first."""
        return _whole_lines(self.dir / "events.jsonl")

    @property
    def is_running(self) -> bool:
        """Tell whether a process carries it out now, or a job is about to; one that has said its end is not."""
        if is_held(self.dir / "lock"):
            return True
        job = self.dir.parents[2] / "jobs" / self.job
        return bool(self.job) and is_held(job / "lock") and not JobReader(job).done

    @property
    def job(self) -> str:
        """Return the job that carries it out, or did so last; "" if none was started."""
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            return str(json.loads((self.dir / "job.json").read_text())["job"])
        return ""

    def note_job(self, job: str) -> None:
        """Note which job carries it out."""
        write_whole(self.dir / "job.json", json.dumps({"job": job}), mode=0o600)

    def state(self, found: Progress | None = None) -> str:
        """Return done, went back or stopped; else running, or interrupted: it can be resumed or cancelled."""
        running = self.is_running  # asked first: what ends in between is then still seen running
        return (found or self.progress()).end or (RUNNING if running else INTERRUPTED)

    @property
    def order(self) -> str:
        """Return whether somebody asked it to end, and how: stay or back; "" if nobody did."""
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            return str(json.loads((self.dir / "order.json").read_text())["end"])
        return ""

    def ask_to_end(self, how: str, by: str) -> None:
        """Ask whoever carries it out to stop: `stay` leaves nodes as they are, `back` takes them back."""
        write_whole(self.dir / "order.json", json.dumps({"end": how, "by": by, "t": time.time()}), mode=0o600)

    def _head(self) -> dict[str, Any]:
        try:
            head: dict[str, Any] = json.loads((self.dir / "plan.json").read_text())
        except (OSError, ValueError) as error:
            raise SbkernelError(f"{self.dir / 'plan.json'} cannot be read: {error}") from None
        return head


class Journal:
    """Append events to a roll-out, each with a single write that is on the disk when it returns."""

    def __init__(self, rollout: Rollout, clock: Callable[[], float] = time.time) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(rollout.dir / "events.jsonl", flags, 0o600)
        self._clock = clock
        self.progress = rollout.progress()
        if (size := os.fstat(self._file).st_size) and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # whoever was killed left half a line

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def event(self, **data: Any) -> None:
        """Append an event as of now. Raises OSError when it cannot be written: nothing goes on unrecorded."""
        line = {"t": round(self._clock(), 3), **data}
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        if os.write(self._file, text) != len(text):
            raise SbkernelError("the roll-out cannot be recorded: the disk is full", hint="sb gc, then --resume")
        os.fdatasync(self._file)
        self.progress.apply(line)

    def say(self, word: Word, nodes: Sequence[str], why: str = "") -> None:
        """Note that nodes are so now."""
        if nodes:
            self.event(nodes=list(nodes), word=word, why=why)

    def say_each(self, word: Word, whys: Mapping[str, str]) -> None:
        """Note that nodes are so now, each for a reason; of many thousand nodes most have the same."""
        alike: dict[str, list[str]] = {}
        for node, why in whys.items():
            alike.setdefault(why, []).append(node)
        for why, nodes in alike.items():
            self.say(word, nodes, why)


def make(site: Site, plan: RolloutPlan, by: str) -> Rollout:
    """Write a new roll-out; its name says when it began, and its image."""
    while True:
        at = datetime.now(UTC)
        name = f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}-{plan.image}"
        with contextlib.suppress(FileExistsError):
            (folder(site) / name).mkdir(mode=0o700)
            break
    made = Rollout(name, folder(site) / name)
    head = {"t": time.time(), "by": by, "plan": plan.as_dict()}
    write_whole(made.dir / "plan.json", json.dumps(head), mode=0o600, durable=True)
    return made


def listing(site: Site) -> list[Rollout]:
    """Return the roll-outs of a site, newest first."""
    found = (path for path in folder(site).iterdir() if _ID.fullmatch(path.name) and (path / "plan.json").is_file())
    return [Rollout(path.name, path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def find(site: Site, name: str = "") -> Rollout:
    """Return the roll-out of that id, or the only one that begins so; "" is the newest. Raises NotFoundError."""
    there = listing(site)
    found = [one for one in there if one.id.startswith(name)] if name else there[:1]
    found = [one for one in found if one.id == name] or found
    if len(found) != 1:
        said = f"{len(found)} roll-outs begin with {name!r}" if found else f"no roll-out {name}".rstrip()
        raise NotFoundError(said, hint="sb rollout --list")
    return found[0]


def unfinished(site: Site) -> Iterator[Rollout]:
    """Yield the roll-outs that have not ended: one that was killed may still be resumed or taken back."""
    for one in listing(site):
        if not any("end" in event for event in _whole_lines(one.dir / "events.jsonl")[-2:]):
            yield one


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    found = []
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                found += [event] if isinstance(event, dict) else []
    return found
