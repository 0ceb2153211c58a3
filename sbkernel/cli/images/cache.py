"""sb cache: show what lies in the cache of the site, or remove what was used longest ago."""

from __future__ import annotations

import json
import time

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.rollout.collected import echo, rows
from sbkernel.images.cache import prune as cache
from sbkernel.packages.diff.tables import aligned
from sbkernel.site import Site
from sbkernel.units import age, size


@click.group("cache", subcommand_metavar="ls|prune")
def command() -> None:
    """Show what lies in the cache of the site, or remove what was used longest ago.

    The cache holds layers (trees of packages), downloaded packages, the indexes of package sources, plans that were
    shown, copies of list files for jobs, and what killed runs of copycds have left. All of it is made again when it
    is needed. After a build genimage brings it back into the site's cachesize (default: 20G).
    """


@command.command("ls", short_help="Show what lies there, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: bytes, times in seconds since the epoch.")
@pass_site
def ls(site: Site, as_json: bool) -> None:
    """Show what lies in the cache: bytes, when it was used last, why it is kept, and the total.

    \b
    Example:
      sb cache ls
    """
    found = cache.ls(site)
    if as_json:
        click.echo(json.dumps(found.as_dicts(), indent=2))
        return
    now = time.time()
    shown = [(name, weight, f"used {age(now - used)} ago", why) for name, weight, used, why in rows(found.kept)]
    if shown:
        click.echo(aligned(shown, right=[1]))
    click.echo(f"{size(found.kept_bytes)} of {size(cache.budget(site))}")


@command.command("prune", short_help="Remove what was used longest ago.")
@click.option("--size", "limit", default="", metavar="SIZE",
              help="Remove what was used longest ago until the rest takes no more, e.g. 20G, 500M. Default: the site's "
              "cachesize, else 20G.")  # fmt: skip
@click.option("--older-than", default="", metavar="AGE",
              help="Remove what was not used for this time, e.g. 30d, 12h; without --size nothing else.")  # fmt: skip
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@pass_site
def prune(site: Site, limit: str, older_than: str, dry_run: bool) -> None:
    """Remove what was used longest ago from the cache, until it fits.

    What a running build, a job or copycds holds stays, and so does for an hour what package managers know of their
    sources. `sb gc` does the same by age, and collects versions, logs and jobs, too.

    \b
    Examples:
      sb cache prune --dry-run
      sb cache prune --size 5G
      sb cache prune --older-than 2w
    """
    done = cache.prune(site, size=limit, older_than=older_than, dry_run=dry_run)
    echo(done)
