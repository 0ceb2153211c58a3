"""Make, list, change and start schedules: the work of `sb schedule`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel import files
from sbkernel.definitions.secret import is_reference
from sbkernel.errors import DefinitionError, LockedError, NotFoundError, RecordError, SbkernelError
from sbkernel.jobs.run import detach
from sbkernel.records.schedules import definition, environment, guard, last, notices, timers
from sbkernel.records.schedules.definition import LIMIT, NOBODY, Schedule, Tell
from sbkernel.records.schedules.listing import Listing, Row
from sbkernel.records.schedules.when import When
from sbkernel.site import Site


@dataclass(frozen=True)
class Added:
    """A schedule that was made or put right: what changed, who starts it, and what is to be known."""

    schedule: Schedule
    state: str
    """made, changed or unchanged."""
    timer: str
    remarks: tuple[str, ...] = ()


def add(
    site: Site,
    notebook: str | Path,
    values: Mapping[str, Any] | None = None,
    *,
    when: When,
    name: str = "",
    limit: str = LIMIT,
    tell: Tell = NOBODY,
    replacing: bool = False,
) -> Added:
    """Run a notebook at certain times, with parameters that are checked now; doing it again repairs its timer.

    Raises RecordError for parameters that the notebook does not have, of another type, or with a secret in them;
    DefinitionError if a schedule of that name runs something else and is not to be replaced; ToolMissingError if the
    host has no timers. Nothing is written then.
    """
    wanted = _checked(site, notebook, values or {}, Schedule(
        name=name, notebook=str(notebook), kind=when.kind, at=when.text, limit=limit, tell=tell,
        database=environment.database(),
    ))  # fmt: skip
    before = _before(site, wanted, replacing)
    environment.command(site, wanted.name)
    timers.check(site)
    changed = definition.save(site, wanted)
    kind = timers.install(site, wanted)
    state = "made" if before is None else "changed" if changed else "unchanged"
    return Added(wanted, state, kind.name, _remarks(site, kind, wanted))


def _checked(site: Site, notebook: str | Path, values: Mapping[str, Any], draft: Schedule) -> Schedule:
    """Return the draft with its notebook found, its name and its parameters."""
    from sbkernel.records import library, parameters

    source = library.find(site, notebook)
    is_path = Path(notebook).suffix == ".ipynb" and Path(notebook).is_file()
    given = parameters.validate(parameters.declared(source), values)
    _refuse_secrets(site, given)
    schedule = replace(
        draft, name=draft.name or source.stem, notebook=str(source) if is_path else source.stem, values=given
    )
    if schedule.tell.command:
        schedule = replace(schedule, tell=replace(schedule.tell, command=_program(schedule.tell.command)))
    schedule.check()
    return schedule


def _program(word: str) -> str:
    """Return the full path of a program that is to be told of failures."""
    path = Path(word).expanduser().absolute()
    if not path.is_file() or not path.stat().st_mode & 0o111:
        raise DefinitionError(f"{word} is no program", hint="the path of a file that may be executed (chmod +x)")
    return str(path)


def _refuse_secrets(site: Site, values: Mapping[str, Any]) -> None:
    """Parameters are kept in files and records in clear, so that no secret may be one; a reference may."""
    from sbkernel.records import redact

    secrets = {secret for secret in redact.known(site) if len(secret) >= redact.SHORTEST}
    for name, value in values.items():
        if isinstance(value, str) and is_reference(value):
            continue
        text = str(value)
        if any(secret in text for secret in secrets) or (value and redact.is_secret_name(name)):
            raise RecordError(
                f"parameter {name} holds a secret, and parameters are kept in clear",
                hint="give where it is kept instead: env:NAME, file:PATH or keyring:NAME",
            )


def _before(site: Site, wanted: Schedule, replacing: bool) -> Schedule | None:
    try:
        before = definition.load(site, wanted.name)
    except NotFoundError:
        return None
    except DefinitionError:  # its file is damaged
        if replacing:
            return wanted
        raise
    if not replacing and not before.is_same(wanted):
        raise DefinitionError(
            f"the schedule {wanted.name} runs {before.notebook} with other parameters",
            hint="--name OTHER makes another one, --replace changes this one",
        )
    return before


def _remarks(site: Site, kind: timers.Timers, schedule: Schedule) -> tuple[str, ...]:
    found = [kind.remark()]
    if schedule.tell.mail and not notices.has_mailer(site):
        found.append("no mail leaves this host yet: sb chdef -t site mailserver=HOST, or install a mailer")
    if not kind.catches_up:
        found.append("cron does not make up for runs that are missed while this host is off")
    found += [f"${name} has to be set where {kind.name} starts it: file:PATH needs no such thing"
              for name in environment.referred(schedule)]  # fmt: skip
    return tuple(filter(None, found))


def ls(site: Site) -> Listing:
    """Return all schedules: when they run next, how the last run went, whether their timers are there."""
    kinds = timers.found(site)
    return Listing(tuple(_row(site, name, kinds) for name in definition.names(site)))


def show(site: Site, name: str) -> Row:
    """Return one schedule, as ls does; NotFoundError if there is none."""
    definition.load(site, name)
    return _row(site, name, timers.found(site))


def _row(site: Site, name: str, kinds: list[timers.Timers]) -> Row:
    try:
        schedule = definition.load(site, name)
        _settle(site, schedule)
        timer = _timer(schedule, kinds)
    except SbkernelError as error:
        return Row(name, None, "unreadable", error=error.message)
    return Row(
        name, schedule, timer.name if timer else "missing", catches_up=timer is None or timer.catches_up,
        last=last.read(site, name), refused=last.refused(site, name), records=site.records,
        remark=timer.remark() if timer and schedule.enabled else "",
    )  # fmt: skip


def _timer(schedule: Schedule, kinds: list[timers.Timers]) -> timers.Timers | None:
    return next((kind for kind in kinds if kind.holds(schedule)), None)


def _settle(site: Site, schedule: Schedule) -> None:
    """Finish the record of a run that was killed; if it cannot be done by this user, the next run does it."""
    found = last.stored(site, schedule.name)
    if found is None or found.status != "running":
        return
    import sbkernel.records.export  # noqa: F401 - it takes a second, in which a run could begin

    try:
        with files.in_turn(last.lock_file(site, schedule.name), wait=False):
            guard.settle(site, schedule)
    except OSError:  # it runs, or this is another user
        return


def enable(site: Site, name: str) -> Added:
    """Let a schedule run, and put its timer right."""
    changed = not definition.load(site, name).enabled
    timers.check(site)
    schedule = definition.set_enabled(site, name, True)
    kind = timers.install(site, schedule)
    return Added(schedule, "changed" if changed else "unchanged", kind.name, _remarks(site, kind, schedule))


def disable(site: Site, name: str) -> None:
    """Let a schedule run no more, but by hand. A run that goes on is not ended."""
    definition.set_enabled(site, name, False)
    timers.remove(site, name)


def rm(site: Site, name: str) -> None:
    """Remove a schedule and its timer; its records stay. LockedError while it runs: its end would have no place."""
    if last.is_running(site, name):
        raise _runs(name)
    timers.remove(site, definition.check_name(name))
    definition.forget(site, name)
    last.forget(site, name)


def start(site: Site, name: str) -> int:
    """Start a run now, just as a timer does it; return the PID of its guard. LockedError while a run lives."""
    schedule = definition.load(site, name)
    if last.is_running(site, name):
        last.note_refusal(site, name)
        raise _runs(name)
    return detach(
        environment.command(site, name),
        log=last.log_file(site, name),
        env=environment.minimal(schedule),
        cwd=environment.standing()["HOME"],
    )


def _runs(name: str) -> LockedError:
    return LockedError(f"a run of {name} has not ended", hint="sb schedule show tells since when; wait for it")
