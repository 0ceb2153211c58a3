"""sb gc: remove versions, what lies in the cache, logs and jobs that nobody needs."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.rollout.collected import echo
from sbkernel.rollout.versions import gc
from sbkernel.site import Site


@click.command("gc")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@click.option("--keep", type=click.IntRange(0), default=gc.KEEP, show_default=True, metavar="N",
              help="Keep this many of the newest versions of each image, layers and jobs.")  # fmt: skip
@click.option("--older-than", default=gc.OLDER_THAN, show_default=True, metavar="AGE",
              help="Remove only what was not needed for this time, e.g. 30d, 12h, 2w; 0d for any age.")  # fmt: skip
@pass_site
def command(site: Site, dry_run: bool, keep: int, older_than: str) -> None:
    """Remove what nobody needs: versions of images, what lies in the cache, logs, finished jobs.

    Something is removed only if it is not among the newest (--keep) and was not needed for some time (--older-than).

    A version is never removed while it is the current one, the candidate or the one that a rollback would go to; while
    a boot file, a pin, a running job or the last boot of a node refers to it; or within an hour after nodeset has
    replaced it in a boot file. What lies in the cache (`sb cache ls`) is made again when it is needed. Logs are removed
    only if they were rotated, or if their node is no longer defined. Roll-outs, and who switched which power, are kept
    for a year. What stays is printed with the reason.

    \b
    Examples:
      sb gc --dry-run
      sb gc
      sb gc --keep 2 --older-than 1w
    """
    found = gc.gc(site, keep=keep, older_than=older_than, dry_run=dry_run)
    echo(found)
