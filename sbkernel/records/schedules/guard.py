"""The guard of one scheduled run: one at a time, ended after its time, and whoever is to know it is told.

What runs is `sb run`, in the environment that cron would give it, in a process that dies with the guard.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import FrameType

from sbkernel import files
from sbkernel.jobs.directory import last_lines
from sbkernel.jobs.processes import children, kill_session, start_ticks
from sbkernel.jobs.run import DEVNULL, STDOUT, Process, end, spawn
from sbkernel.records import provenance, redact
from sbkernel.records.schedules import closing, environment, last, notices
from sbkernel.records.schedules.definition import Schedule, load
from sbkernel.records.schedules.last import Last
from sbkernel.site import Site

UNTOLD, REFUSED = 74, 75
"""Exit statuses, from sysexits.h: a notice did not arrive; an earlier run still lives."""
STATUSES = {"ok": 0, "interrupted": 130}
_PATIENCE_S, _AGAIN_S = 3.0, 0.05
_LOOK_LINES = 12
_BEFORE_ERROR = re.compile(r"^(Error: |[a-z-]+ after [\d.]+ s: )")
_EXITS = {0: "ok", 1: "failed", 130: "interrupted"}


def guarded_run(site: Site, name: str) -> int:
    """Run the notebook of a schedule; return the exit status of the guard: 0, 1, 130, UNTOLD or REFUSED."""
    schedule = load(site, name)
    with _told_to_stop() as stop:
        lock = _taken(site, name)
        if lock is None:
            return _refuse(site, schedule)
        try:
            settle(site, schedule, tell=True)
            return _run(site, schedule, stop)
        finally:
            os.close(lock)


def _taken(site: Site, name: str) -> int | None:
    """Take the lock of a schedule; None if a run holds it. Who merely looks holds it for a moment."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return files.take(last.lock_file(site, name), wait=False)
        except BlockingIOError:
            if time.monotonic() > until:
                return None
            time.sleep(_AGAIN_S)


def settle(site: Site, schedule: Schedule, *, tell: bool = False) -> None:
    """Finish what a run that was killed has left; the caller holds its lock."""
    found = last.stored(site, schedule.name)
    if found is None or found.status != "running":
        return
    killed = replace(found, ended=time.time(), status=last.KILLED, why=last.WITHOUT_A_WORD)
    killed = replace(killed, record=_closed(site, schedule.name, killed))
    last.write(site, schedule.name, killed)
    last.say(site, schedule.name, f"the run before was killed: {killed.why}")
    if tell:
        _tell(site, schedule, killed)


def _run(site: Site, schedule: Schedule, stop: _Stop) -> int:
    outcome = began = Last(run=uuid.uuid4().hex, started=time.time())
    try:
        last.shorten_log(site, schedule.name)
        last.write(site, schedule.name, began)
        last.say(site, schedule.name, f"run {schedule.notebook}, at most {schedule.limit}")
        outcome = _outcome(site, schedule, began, stop)
    except Exception as error:  # a full disk, or whatever it is: it has to be told
        outcome = replace(began, ended=time.time(), status="failed", why=f"{type(error).__name__}: {error}")
    outcome = replace(outcome, why=_clean(site, outcome.why))
    _keep(site, schedule, outcome)
    _say(site, schedule, ": ".join(filter(None, (outcome.status, outcome.why))))
    untold = _tell(site, schedule, outcome)
    if untold:
        _keep(site, schedule, replace(outcome, untold="; ".join(untold)))
        return UNTOLD
    return STATUSES.get(outcome.status, 1)


def _keep(site: Site, schedule: Schedule, outcome: Last) -> None:
    """Keep how a run ended, as far as the disk lets us: nothing keeps it from being told."""
    try:
        last.write(site, schedule.name, outcome)
    except OSError as error:
        sys.stderr.write(f"{schedule.name}: {outcome.status}, which cannot be written down: {error}\n")


def _say(site: Site, schedule: Schedule, text: str, *, loud: bool = False) -> None:
    """Add a line to the log; a loud one is also said here: cron mails it, and the journal keeps it."""
    try:
        last.say(site, schedule.name, text)
        loud = loud and not os.path.samestat(os.fstat(2), last.log_file(site, schedule.name).stat())
    except OSError:
        loud = True
    if loud:
        sys.stderr.write(f"{schedule.name}: {text}\n")


def _outcome(site: Site, schedule: Schedule, began: Last, stop: _Stop) -> Last:
    """Start the run, wait for its end, and return how it ended."""
    log = last.log_file(site, schedule.name)
    with log.open("ab") as output:
        process = spawn(
            _command(site, schedule),
            env=_environment(schedule, began),
            cwd=environment.standing()["HOME"],
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
        )
        try:
            why = _wait(process, schedule, stop)
        finally:
            code = _end(process, schedule.grace_s)
    return _judged(site, schedule, replace(began, ended=time.time(), why=why), code)


def _judged(site: Site, schedule: Schedule, ended: Last, code: int) -> Last:
    """Return how a run ended: as its record says, unless it was ended from outside."""
    record = closing.find(site, ended)
    status = closing.status(record) if record else ""
    if ended.why:
        ended = replace(ended, status="interrupted")
    elif status == "running" or code < 0:
        ended = replace(ended, status=last.KILLED, why=f"the run was killed by signal {-code}")
    else:
        if not status or (status == "ok" and code):  # it did not begin, or its record could not be finished
            status = _EXITS.get(code, "failed")
        why = "" if status == "ok" else _said(site, schedule.name)
        return replace(ended, status=status, why=why, record=_relative(site, record))
    return replace(ended, record=_closed(site, schedule.name, ended))


def _command(site: Site, schedule: Schedule) -> list[str]:
    import yaml

    values = yaml.safe_dump(dict(schedule.values), default_flow_style=True, allow_unicode=True, width=sys.maxsize)
    words = [sys.executable, "-P", "-m", "sbkernel.cli", "--site", str(site.root), "run", schedule.notebook]
    return [*words, "-y", values.strip()] if schedule.values else words


def _environment(schedule: Schedule, began: Last) -> dict[str, str | None]:
    mark = json.dumps({"by": schedule.name, "run": began.run})
    return {**environment.minimal(schedule), provenance.SCHEDULED: mark}


def _wait(process: Process, schedule: Schedule, stop: _Stop) -> str:
    """Wait until the run has ended, its time is over or somebody stops the guard; return why it has to be ended."""
    descriptor = os.pidfd_open(process.pid)
    try:
        ready, _, _ = select.select([descriptor, stop.pipe], [], [], schedule.limit_s)
    finally:
        os.close(descriptor)
    if descriptor in ready:
        return ""
    return f"stopped by {stop.signal.name}" if stop.signal else f"time limit of {schedule.limit}"


def _end(process: Process, grace_s: float) -> int:
    """End the run: SIGTERM, and after `grace_s` SIGKILL for all of it, its kernel included; return its exit status."""
    kernels = {pid: start_ticks(pid) for pid in children(process.pid)}
    code = end(process, grace_s)
    for pid, since in kernels.items():  # each leads a session of its own
        if since is not None and start_ticks(pid) == since:
            kill_session(pid)
    return code


def _refuse(site: Site, schedule: Schedule) -> int:
    """Say that the earlier run still lives."""
    now = time.time()
    last.note_refusal(site, schedule.name)
    why = "the run before has not ended"
    _say(site, schedule, f"not started: {why}", loud=True)
    _tell(site, schedule, Last(run="", started=now, ended=now, status="refused", why=why))
    return REFUSED


def _tell(site: Site, schedule: Schedule, outcome: Last) -> list[str]:
    """Send notices if anybody is to get some; return what did not arrive, which is said here as well."""
    if outcome.status == "ok" and not schedule.tell.success:
        return []
    untold = notices.deliver(site, schedule, _facts(site, schedule, outcome))
    for line in untold:
        _say(site, schedule, f"{outcome.status}, and not told by {line}", loud=True)
    return untold


def _facts(site: Site, schedule: Schedule, outcome: Last) -> notices.Facts:
    record = str(site.records / outcome.record) if outcome.record else ""
    return {
        "schedule": schedule.name, "status": outcome.status, "why": outcome.why, "notebook": schedule.notebook,
        "record": record, "started": _clock(outcome.started), "ended": _clock(outcome.ended or time.time()),
        "host": socket.gethostname(), "site": str(site.root), "run": outcome.run,
    }  # fmt: skip


def _closed(site: Site, name: str, outcome: Last) -> str:
    """Finish the record of a run that did not end by itself; return its path."""
    record = closing.find(site, outcome)
    if record is None:
        return ""
    try:
        record = closing.close(record, outcome.why)
    except Exception as error:  # it was cut off while it was written: it is kept as it is
        last.say(site, name, f"{record.name} cannot be finished: {error}")
    return _relative(site, record)


def _relative(site: Site, record: Path | None) -> str:
    return str(record.relative_to(site.records)) if record else ""


def _said(site: Site, name: str) -> str:
    """Return what the run said at its end: its error if it printed one."""
    lines = [line.strip() for line in last_lines(last.log_file(site, name), _LOOK_LINES) if line.strip()]
    begins = [place for place, line in enumerate(lines) if _BEFORE_ERROR.match(line)]
    return _BEFORE_ERROR.sub("", " ".join(lines[begins[-1] if begins else -1 :]))


def _clean(site: Site, text: str) -> str:
    """Return a text in one line, without the secrets that this run could know."""
    return " ".join(str(redact.redact(text, redact.known(site))).split())


def _clock(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s).astimezone().isoformat(timespec="seconds")


class _Stop:
    """Whether somebody wants the guard to end: which signal came, and a pipe that can be waited for."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.pipe, self._told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = signal.Signals(number)
            os.write(self._told, b".")

    def close(self) -> None:
        os.close(self.pipe)
        os.close(self._told)


@contextlib.contextmanager
def _told_to_stop() -> Iterator[_Stop]:
    """Take signals that end programs as a wish: the run is ended first, and its end is told."""
    stop = _Stop()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
