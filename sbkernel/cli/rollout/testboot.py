"""sb testboot: boot a version on a virtual node, and check it there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import JobError
from sbkernel.jobs import job as jobs
from sbkernel.site import Site

TARGET = "sbkernel.rollout.testboot.testboot:testboot"
P = ParamSpec("P")
R = TypeVar("R")


def of_a_test_boot(function: Callable[P, R]) -> Callable[P, R]:
    """Add the options of a test boot: `budget`, `memory_mb` (0: what the image needs) and `timeout_s`."""
    add = (
        click.option("--budget", default="", metavar="LIMITS",
                     help="Limits of the test boot beside those of testbootbudget: time=300s."),
        click.option("--memory", "memory_mb", type=click.IntRange(128, 1 << 20), metavar="MB",
                     callback=lambda _context, _parameter, value: value or 0,
                     help="Memory of the node of the test boot.  [default: what the image needs]"),
        click.option("--timeout", "timeout_s", type=click.IntRange(10, 86400), default=600, show_default=True,
                     metavar="SECONDS", help="When that node must be up."),
    )  # fmt: skip
    for option in reversed(add):
        function = option(function)
    return function


@click.command("testboot")
@click.option("--promote", is_flag=True, help="When it is good, make it the version that nodes boot.")
@of_a_test_boot
@click.option("--dry-run", is_flag=True, help="Show what will be checked; boot nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.argument("image", metavar="IMAGE[@VERSION]")
@pass_site
def command(site: Site, /, image: str, dry_run: bool, as_json: bool, **options: Any) -> int:
    """Boot the candidate of IMAGE, or VERSION, on a virtual node, and check it.

    The node is made for this, has no disk, and goes again. The version is good when the node is up and asks for a
    login, reports this digest, systemd has started all and no unit has failed, the scripts of the site end with status
    0, and the boot took no more than its budget. `sb images IMAGE` shows the verdict.

    Scripts run on the node as root: those of the osimage's testbootscripts, else custom/testboot/*.sh below
    installdir. They find NODE, IMAGE and DIGEST in their environment and have two minutes each; the end of their
    output is kept with the verdict.

    LIMITS, also testbootbudget of the osimage, are for time, bytes (fetched) and memory: a limit (memory=400M), a share
    over the median of the last good versions on this host (bytes=+25%), or none.

    With gate=testboot in the osimage, packimage moves the candidate alone, and nodes boot only versions that are good.

    \b
    Examples:
      sb testboot mycomputeimage --dry-run
      sb testboot mycomputeimage --promote
      sb testboot mycomputeimage@previous --budget time=180s,bytes=none

    The exit status is 1 when a check fails.
    """
    from sbkernel.rollout.testboot.testboot import plan_testboot

    plan = plan_testboot(site, image, **options)
    if dry_run:
        click.echo(json.dumps(plan.as_dict(), indent=2) if as_json else str(plan))
        return 0
    job = jobs.start(site, "testboot", TARGET, image=str(plan.reference), **options)
    return show(job, as_json=as_json)


def show(job: jobs.Job, *, as_json: bool) -> int:
    """Follow a test boot and print its verdict; return the exit status."""
    from sbkernel.rollout.testboot.verdicts import Verdict

    failed: JobError | None = None
    try:
        follow(job)
    except JobError as error:
        if "checks" not in job.result:
            raise
        failed = error
    if as_json:
        click.echo(json.dumps(job.result, indent=2))
    else:
        click.echo(str(Verdict.from_json(job.result)))
        click.echo(job.result.get("decision", ""), nl=bool(job.result.get("decision")))
    if failed:
        click.echo(f"Error: {failed}", err=True)
    return 1 if failed else 0
