"""Schedules as a table: a row each, with its next run and its last."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sbkernel.packages.diff.tables import aligned
from sbkernel.records.parameters import as_text
from sbkernel.records.schedules.definition import LIMIT, Schedule
from sbkernel.records.schedules.last import Last
from sbkernel.units import plain, seconds

COLUMNS = ("NAME", "NOTEBOOK", "WHEN", "NEXT", "LAST", "STATUS", "RECORD")


@dataclass(frozen=True)
class Row:
    """One schedule. `timer` is who starts it: systemd or cron, or `missing` or `unreadable`."""

    name: str
    schedule: Schedule | None
    timer: str
    catches_up: bool = True
    last: Last | None = None
    refused: float | None = None
    records: Path = Path()
    remark: str = ""
    error: str = ""

    @property
    def next(self) -> datetime | None:
        """Return when it runs next, without a zone; None if it does not."""
        if self.schedule is None or not self.schedule.enabled or self.timer == "missing":
            return None
        return self.schedule.when.next_after(datetime.now())  # noqa: DTZ005 - the clock of the host

    @property
    def next_text(self) -> str:
        """Return when it runs next, or why it does not."""
        if self.schedule is None:
            return self.timer
        if not self.schedule.enabled:
            return "disabled"
        return f"{self.next:%a %Y-%m-%d %H:%M}" if self.next else "timer is missing"

    @property
    def status(self) -> str:
        """Return how the last run went, with what is wrong beside."""
        said = self.last.status if self.last else "never ran"
        if self.last and self.last.untold:
            said += ", not told"
        return f"{said}, then one refused" if self._was_refused else said

    @property
    def is_well(self) -> bool:
        """Tell whether nobody has to look at it."""
        going = self.last is None or self.last.ok or self.last.status == "running"
        placed = self.schedule is not None and (not self.schedule.enabled or self.timer != "missing")
        return going and placed and not self._was_refused and not self.remark

    @property
    def _was_refused(self) -> bool:
        return self.refused is not None and (self.last is None or self.refused > self.last.started)

    @property
    def record(self) -> Path | None:
        """Return the page of the last record, or its notebook; None if there is none."""
        if not self.last or not self.last.record:
            return None
        notebook = self.records / self.last.record
        page = notebook.with_suffix(".html")
        return page if page.exists() else notebook if notebook.exists() else None

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        began = datetime.fromtimestamp(self.last.started) if self.last else None  # noqa: DTZ006 - the host's clock
        notebook = Path(self.schedule.notebook).name if self.schedule else ""
        return (
            self.name, notebook, str(self.schedule.when) if self.schedule else "", self.next_text,
            f"{began:%Y-%m-%d %H:%M}" if began else "", self.status, self.record.name if self.record else "",
        )  # fmt: skip

    @property
    def notes(self) -> list[str]:
        """Return what has to be done or known, a line each."""
        found = [self.error, self.remark]
        if self.schedule and self.schedule.enabled and self.timer == "missing":
            found.append(f"its timer is missing: sb schedule enable {self.name}")
        if self.last and self.last.why:
            found.append(f"{self.last.status}: {self.last.why}")
        if self.last and self.last.untold:
            found.append(f"not told by {self.last.untold}")
        if self.schedule and self.schedule.enabled and not self.catches_up:
            found.append("cron does not make up for runs that are missed while this host is off")
        return [plain(line) for line in found if line]

    def facts(self) -> dict[str, Any]:
        """Return all that is known, for people; secrets are not among it."""
        if self.schedule is None:
            return {"schedule": self.name, "error": plain(self.error)}
        last = self.last
        took = seconds(last.ended - last.started) if last and last.ended else ""
        return {
            "schedule": self.name, "notebook": self.schedule.notebook,
            **{f"  {name}": plain(str(value)) for name, value in self.schedule.values.items()},
            "when": str(self.schedule.when), "next": self.next_text, "started by": self.timer,
            "limit": self.schedule.limit, **{f"tell by {name}": to for name, to in self.schedule.tell.shown.items()},
            "last": " ".join(filter(None, (self.cells[4], self.status, took and f"after {took}"))),
            "record": str(self.record or ""), "notes": "; ".join(self.notes),
            "command": shlex.join(words(self.schedule)),
        }  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """All schedules of a site."""

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        if not self.rows:
            return "No schedule: sb schedule add NOTEBOOK --daily 02:00"
        table = aligned([COLUMNS, *(row.cells for row in self.rows)])
        return "\n".join([table, *self.notes])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def notes(self) -> list[str]:
        """Return what has to be done or known, each line once with the schedules it is about."""
        about: dict[str, list[str]] = {}
        for row in self.rows:
            for note in row.notes:
                about.setdefault(note, []).append(row.name)
        return [f"{', '.join(named)}: {note}" for note, named in about.items()]


def words(schedule: Schedule) -> list[str]:
    """Return the command line that makes a schedule, but for a webhook that may be a secret."""
    found = ["sb", "schedule", "add", schedule.notebook, "--name", schedule.name, *schedule.when.words]
    for name, value in schedule.values.items():
        found += ["-p", f"{name}={as_text(value)}"]
    found += ["--limit", schedule.limit] if schedule.limit != LIMIT else []
    for name, value in schedule.tell.shown.items():
        found += [f"--{name}", value]
    return [*found, *(["--on-success"] if schedule.tell.success else [])]


def python(schedule: Schedule) -> str:
    """Return the Python that makes a schedule, with the same exception."""
    given = [repr(schedule.notebook)]
    if schedule.values:
        given.append(repr(dict(schedule.values)))
    given += [f"when=When({', '.join(map(repr, filter(None, (schedule.kind, schedule.at))))})"]
    given += [f"name={schedule.name!r}"]
    given += [f"limit={schedule.limit!r}"] if schedule.limit != LIMIT else []
    told = {**schedule.tell.shown, **({"success": True} if schedule.tell.success else {})}
    given += [f"tell=Tell({', '.join(f'{name}={value!r}' for name, value in told.items())})"] if told else []
    return f"schedule.add(site, {', '.join(given)})"
