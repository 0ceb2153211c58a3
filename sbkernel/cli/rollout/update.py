"""sb update: build what is new in an image, test boot it, and let nodes boot it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.cli.rollout.testboot import of_a_test_boot
from sbkernel.errors import JobError
from sbkernel.jobs import job as jobs
from sbkernel.site import Site

TARGET = "sbkernel.rollout.update:update"


@click.command("update")
@click.option("--security-only", is_flag=True, help="Take new versions that are for security alone.")
@click.option("--policy", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Publish only what these rules allow (sb diff -h).")  # fmt: skip
@click.option("--no-testboot", is_flag=True, help="Publish without a test boot; not with gate=testboot.")
@of_a_test_boot
@click.option("--nosyncfiles", is_flag=True, help="Pack without the files of synclists.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and whether the rules allow it.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.argument("image")
@pass_site
def command(
    site: Site, /, image: str, policy: Path | None, no_testboot: bool, dry_run: bool, as_json: bool,
    security_only: bool, **options: Any,
) -> int:  # fmt: skip
    """Build what the lists of IMAGE mean now, test it, and let nodes boot it at their next nodeset.

    In this order: resolve, compare with what nodes boot, ask the rules of --policy, genimage, packimage (as it was
    packed last), testboot, promote. When something fails, nothing is published: nodes go on with what they boot, and
    the candidate stays to be looked at. When nothing is new, it says so.

    --security-only asks archives whose suite, label or origin says security (Debian, Ubuntu), or the advisories of type
    security in the updateinfo of repositories (all others). Everything else stays at the version that nodes boot; a
    version that no source has any more is an error. Sources without advisories are named.

    --budget, --memory and --timeout are those of `sb testboot`.

    What a rollback holds is not changed: the new version is built and tested, and stays the candidate.

    \b
    Examples:
      sb update mycomputeimage --dry-run --policy guard.yaml
      sb update mycomputeimage --security-only
      sb run update -p image mycomputeimage

    The exit status is 0 when it is published or nothing is new, else 1.
    """
    rules = str(policy.absolute()) if policy else ""
    if dry_run:
        from sbkernel.rollout.update import plan_update

        plan = plan_update(site, image, security_only=security_only, policy=rules)
        click.echo(json.dumps(plan.as_dict(), indent=2) if as_json else str(plan))
        return 0 if plan.allowed else 1
    options |= {"security_only": security_only, "policy": rules, "testboot": not no_testboot}
    return _show(jobs.start(site, "update", TARGET, image=image, **options), as_json=as_json)


def _show(job: jobs.Job, *, as_json: bool) -> int:
    """Follow an update and print what came of it; return the exit status."""
    failed: JobError | None = None
    try:
        follow(job)
    except JobError as error:
        if not job.result:
            raise
        failed = error
    done = job.result
    if as_json:
        click.echo(json.dumps(done, indent=2))
    else:
        _print(done)
    if failed:
        click.echo(f"Error: {failed}", err=True)
    return 1 if failed else 0


def _print(done: dict[str, Any]) -> None:
    for line in done.get("changes", ()):
        click.echo(line)
    if "checks" in done:
        from sbkernel.rollout.testboot.verdicts import Verdict

        click.echo(str(Verdict.from_json(done)))
    if done.get("decision"):
        click.echo(done["decision"])
