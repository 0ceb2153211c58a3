"""sb schedule: run notebooks at certain times, and say how that went."""

from __future__ import annotations

import os
import select
import signal
from typing import Any

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.errors import DefinitionError
from sbkernel.records.schedules.definition import LIMIT, Tell
from sbkernel.records.schedules.when import KINDS, When
from sbkernel.site import Site

NOT_WELL = 3  # as `sb service status` when something is to be looked at
_LOOK_S = 0.2


@click.group(subcommand_metavar="add|ls|show|run|enable|disable|rm")
def command() -> None:
    """Run notebooks at certain times: nightly builds, weekly updates.

    A schedule is started by a systemd timer (of the system for root, of the user for others), or by a line of cron
    where systemd does not run. It runs as `sb run` does, in the environment that cron gives (PATH=/usr/bin:/bin, HOME,
    no locale, no terminal), one run at a time and no longer than its limit. Its record says by which schedule it ran.
    Failures are told by mail, by a webhook and by a program, as the schedule says.

    \b
    Example:
      sb schedule add build -p image=compute --daily 02:00 --mail root
      sb schedule ls
    """


def _when(hourly: bool, given: dict[str, str | None]) -> When:
    chosen = [(kind, text) for kind, text in given.items() if text is not None] + ([("hourly", "")] if hourly else [])
    if len(chosen) != 1:
        raise click.UsageError("say when it runs with one of " + ", ".join(f"--{kind}" for kind in KINDS))
    return When(*chosen[0])


@command.command()
@click.argument("notebook")
@click.option("--name", metavar="NAME", help="Name of the schedule.  [default: the name of the notebook]")
@click.option("-p", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter, read according to its type.")
@click.option("--daily", metavar="HH:MM", help="Each day at this time of the host's clock.")
@click.option("--weekly", metavar="'DAY HH:MM'", help="Each week, e.g. 'sun 02:00'.")
@click.option("--hourly", is_flag=True, help="Each hour.")
@click.option("--cron", metavar="FIELDS", help="As crontab(5) has it, e.g. '30 2 * * mon-fri'.")
@click.option("--every", metavar="TIME", help="A part of an hour or of a day: 15m, 1h, 6h.")
@click.option("--limit", metavar="TIME", default=LIMIT, show_default=True, help="A run that takes longer is ended.")
@click.option("--mail", metavar="ADDRESS", default=None, help="Send mail about failures.")
@click.option("--webhook", metavar="URL", default=None,
              help="POST failures as JSON. env:NAME or file:PATH say where a secret URL is kept.")  # fmt: skip
@click.option("--command", "program", metavar="PROG", default=None, help="Run a program with the same JSON on stdin.")
@click.option("--on-success", is_flag=True, help="Tell of runs that went well, too.")
@click.option("--replace", "replacing", is_flag=True, help="Change a schedule of this name that runs something else.")
@pass_site
def add(
    site: Site,
    notebook: str,
    name: str | None,
    pairs: tuple[str, ...],
    daily: str | None,
    weekly: str | None,
    hourly: bool,
    cron: str | None,
    every: str | None,
    limit: str,
    mail: str | None,
    webhook: str | None,
    program: str | None,
    on_success: bool,
    replacing: bool,
) -> None:
    """Run NOTEBOOK, a path or the name of one, at certain times.

    Parameters are checked now. A secret cannot be one: give where it is kept (env:NAME, file:PATH, keyring:NAME). Doing
    it again changes nothing, but puts right a timer that was removed or edited.

    Mail goes to the mailserver of the site (sb chdef -t site mailserver=HOST; sb passwd smtp for a login), else to
    sendmail or mail of this host.

    \b
    Examples:
      sb schedule add build -p image=compute --daily 02:00 --limit 2h
      sb schedule add update --name weekly -p image=compute \\
          --weekly 'sun 03:30' --webhook file:/etc/sbkernel/hook
    """
    from sbkernel.records.schedules import schedule

    when = _when(hourly, {"daily": daily, "weekly": weekly, "cron": cron, "every": every})
    tell = Tell(mail or "", webhook or "", program or "", on_success)
    done = schedule.add(
        site, notebook, _values(site, notebook, pairs), when=when, name=name or "", limit=limit, tell=tell,
        replacing=replacing,
    )  # fmt: skip
    _say(done)


def _say(done: Any) -> None:
    next_run = done.schedule.when.next_after(_now())
    click.echo(f"{done.schedule.name}: {done.state}; {done.timer} runs it next on {next_run:%a %Y-%m-%d at %H:%M}")
    for remark in done.remarks:
        click.echo(f"  {remark}", err=True)


def _now() -> Any:
    from datetime import datetime

    return datetime.now()  # noqa: DTZ005 - the clock of the host


def _values(site: Site, notebook: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    from sbkernel.records import library, parameters

    source = library.find(site, notebook)  # first, so that a wrong name is what is said
    known = parameters.declared(source) if pairs else {}
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise DefinitionError(f"-p {pair}: a value is missing", hint=f"-p {name}=VALUE")
        values[name] = parameters.from_text(parameters.find(known, name), text)
    return values


@command.command("ls")
@pass_site
def list_(site: Site) -> int:
    """List schedules: the next run, the last one, its record. Exits 3 if one of them needs a look."""
    from sbkernel.records.schedules import schedule

    found = schedule.ls(site)
    if not give(lambda: found):
        click.echo(str(found))
    return 0 if all(row.is_well for row in found) else NOT_WELL


@command.command()
@click.argument("name")
@pass_site
def show(site: Site, name: str) -> None:
    """Show all about one schedule, and the command that makes it."""
    from sbkernel.records.schedules import schedule

    facts = {key: value for key, value in schedule.show(site, name).facts().items() if value}
    width = max(map(len, facts)) + 2
    for key, value in facts.items():
        click.echo(f"{key}:".ljust(width) + str(value))


@command.command()
@click.argument("name")
@pass_site
def run(site: Site, name: str) -> int:
    """Run a schedule now, just as its timer does: same environment, lock, limit and notices.

    What it prints is shown, and is in log/schedules/NAME.log of the site. Ctrl-C ends the run. The exit status is 0
    when every cell ran, 1 when one failed, 130 when it was interrupted or took too long, 75 when the run before has not
    ended, and 74 when a notice could not be delivered.
    """
    from sbkernel.records.schedules import last, schedule

    before = last.log_size(site, name)
    pid = schedule.start(site, name)
    log = last.log_file(site, name)
    descriptor = os.pidfd_open(pid)
    with log.open(errors="replace") as lines, os.fdopen(descriptor):
        lines.seek(before)
        ended = False
        while not ended:
            try:
                ended = bool(select.select([descriptor], [], [], _LOOK_S)[0])
                click.echo(lines.read(), nl=False)
            except KeyboardInterrupt:  # a terminal's Ctrl-C does not reach a run, which has none
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@command.command()
@click.argument("name")
@pass_site
def enable(site: Site, name: str) -> None:
    """Let a schedule run again, or put its timer right."""
    from sbkernel.records.schedules import schedule

    _say(schedule.enable(site, name))


@command.command()
@click.argument("name")
@pass_site
def disable(site: Site, name: str) -> None:
    """Remove the timer of a schedule; `run` and `enable` still know it."""
    from sbkernel.records.schedules import schedule

    schedule.disable(site, name)
    click.echo(f"{name}: disabled")


@command.command()
@click.argument("name")
@pass_site
def rm(site: Site, name: str) -> None:
    """Remove a schedule and its timer. Its records stay."""
    from sbkernel.records.schedules import schedule

    schedule.rm(site, name)
    click.echo(f"{name}: removed")
