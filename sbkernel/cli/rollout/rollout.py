"""sb rollout: bring a version of an image to nodes in waves that go back by themselves."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import DefinitionError, JobError
from sbkernel.jobs.job import Job
from sbkernel.rollout.waves import rollout as waves
from sbkernel.rollout.waves.journal import GO_BACK, STAY
from sbkernel.rollout.waves.plan import HOWS, Options
from sbkernel.rollout.waves.planning import USUAL_WAVES, plan_rollout
from sbkernel.rollout.waves.progress import BACK, STOPPED
from sbkernel.rollout.waves.report import report, reports
from sbkernel.site import Site
from sbkernel.units import read_duration


def _duration(_context: click.Context, _option: click.Parameter, text: str) -> float:
    return read_duration(text)


@click.command("rollout")
@click.argument("image", metavar="[IMAGE@VERSION", required=False)
@click.argument("noderange", metavar="NODERANGE]", required=False)
@click.option("--waves", "-w", default=USUAL_WAVES, show_default=True, metavar="WAVES",
              help="Counts, shares, noderanges, by=ATTRIBUTE, rest.")  # fmt: skip
@click.option("--budget", "-b", default="5%", show_default=True, metavar="N|SHARE", help="How many of a wave may fail.")
@click.option("--how", type=click.Choice(HOWS), default=HOWS[0], show_default=True,
              help="Boot nodes, wait until they boot next, or ask a scheduler for them.")  # fmt: skip
@click.option("--pace", metavar="N|none", default="", help="Boot N nodes a second, or a wave at once.")
@click.option("--timeout", default="15min", show_default=True, callback=_duration, metavar="TIME",
              help="How long a boot may take.")  # fmt: skip
@click.option("--wait", default="7d", show_default=True, callback=_duration, metavar="TIME",
              help="How long until it begins, with next and scheduler.")  # fmt: skip
@click.option("--scheduler", metavar="PROGRAM", default="", help="What drains and resumes nodes (--how scheduler).")
@click.option("--promote", is_flag=True, help="Make the version current when all nodes run it.")
@click.option("--untested", metavar="REASON", default="", help="Take a version that passed no test boot.")
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing before it begins.")
@click.option("--list", "is_list", is_flag=True, help="List roll-outs, newest first.")
@click.option("--show", metavar="ID", default="", help="Show a roll-out and its nodes.")
@click.option("--resume", metavar="ID", default="", help="Go on with one that was killed.")
@click.option("--cancel", metavar="ID", default="", help="End one: with --stay or --back.")
@click.option("--stay", "end", flag_value=STAY, help="With --cancel: leave the nodes as they are.")
@click.option("--back", "end", flag_value=GO_BACK, help="With --cancel: take them back to what they had.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one result a node.")
@pass_site
def command(
    site: Site, /, image: str | None, noderange: str | None, is_list: bool, show: str, resume: str, cancel: str,
    end: str | None, as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Bring a version of an image to nodes, wave by wave.

    Each wave is set to the version, booted and watched. When more nodes of a
    wave fail than the budget allows, nothing more is sent, and all nodes of
    the roll-out go back to what they booted before, by themselves. Nodes that
    somebody holds, or that run the version already, are left out.

    It is a job: it goes on when you press Ctrl-C or log out. The exit status
    is 0 when it is done, 1 when it went back.

    \b
    Examples:
      sb rollout mine@candidate compute --dry-run
      sb rollout mine@candidate compute --waves 1,10%,rest --promote
      sb rollout mine@candidate compute --waves 4,by=rack --budget 2
      sb rollout mine@candidate compute --how next
      sb rollout --show ID
      sb rollout --cancel ID --back
    """
    if is_list:
        found = reports(site)
        click.echo(json.dumps([one.as_dict() for one in found], indent=2) if as_json else _listed(found))
        return 0
    if show:
        _print(site, show, as_json)
        return 0
    if cancel:
        _follow(site, waves.cancel(site, cancel, end or _ask_how()), as_json)
        return int(report(site, cancel).state not in (STOPPED, BACK))
    if resume:
        return _follow(site, waves.resume(site, resume), as_json)
    if image is None or noderange is None:
        raise click.UsageError("which version, and to which nodes? sb rollout IMAGE@candidate NODERANGE")
    return _begin(site, image, noderange, as_json, given)


def _begin(site: Site, image: str, noderange: str, as_json: bool, given: dict[str, Any]) -> int:
    options = Options(
        given["how"], given["budget"], given["pace"], given["timeout"], given["wait"], given["scheduler"],
        given["promote"], given["untested"],
    )  # fmt: skip
    plan = plan_rollout(site, image, noderange, given["waves"], options)
    if given["dry_run"] and as_json:
        click.echo(json.dumps(plan.as_dict(), indent=2))
        return 0
    click.echo(str(plan), err=as_json)
    if given["dry_run"] or not plan.nodes:
        return 0
    if not given["yes"] and sys.stdin.isatty():
        click.confirm("Go on?", abort=True)
    return _follow(site, waves.start(site, plan), as_json)


def _follow(site: Site, job: Job, as_json: bool) -> int:
    """Follow a roll-out to its end and print it; Ctrl-C only stops watching."""
    name = str(job.spec["kwargs"]["rollout"])
    status = 0
    try:
        follow(job, cancel=False)
    except click.exceptions.Exit:
        click.echo(f"To end it: sb rollout --cancel {name}", err=True)
        raise
    except JobError as error:
        status = 1
        click.echo(f"Error: {error.message}", err=True)
    _print(site, name, as_json)
    return status


def _print(site: Site, name: str, as_json: bool) -> None:
    found = report(site, name)
    if not give(lambda: found):
        click.echo(json.dumps(found.as_dict(), indent=2) if as_json else str(found))


def _listed(found: list[Any]) -> str:
    return "\n".join(one.line() for one in found) or "There was no roll-out yet: sb rollout IMAGE@candidate NODERANGE"


def _ask_how() -> str:
    if not sys.stdin.isatty():
        raise DefinitionError("what becomes of its nodes?", hint="--stay leaves them as they are, --back goes back")
    return str(click.prompt("Leave its nodes as they are, or take them back?", type=click.Choice([STAY, GO_BACK])))
