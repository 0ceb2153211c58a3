"""sb gc: remove versions, layers, downloads, logs and jobs that nobody needs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from sbkernel.cli.common import pass_site
from sbkernel.images.catalog.collecting import Item
from sbkernel.packages.diff.tables import aligned
from sbkernel.rollout import gc
from sbkernel.site import Site
from sbkernel.units import age, size

_SHOWN_ONE_BY_ONE = ("version", "layer")


@click.command("gc")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@click.option("--keep", type=click.IntRange(0), default=gc.KEEP, show_default=True, metavar="N",
              help="Keep this many of the newest versions of each image, layers and jobs.")  # fmt: skip
@click.option("--older-than", default=gc.OLDER_THAN, show_default=True, metavar="AGE",
              help="Remove only what was not needed for this time, e.g. 30d, 12h, 2w; 0d for any age.")  # fmt: skip
@pass_site
def command(site: Site, dry_run: bool, keep: int, older_than: str) -> None:
    """Remove what nobody needs: versions of images, layers, downloaded packages, logs, finished jobs.

    Something is removed only if it is not among the newest (--keep) and was not needed for some time (--older-than).

    A version is never removed while it is the current one, the candidate or the one that a rollback would go to; while
    a boot file, a pin, a running job or the last boot of a node refers to it; or within an hour after nodeset has
    replaced it in a boot file. Layers and downloads are made again when they are needed. Logs are removed only if they
    were rotated, or if their node is no longer defined. What stays is printed with the reason.

    \b
    Examples:
      sb gc --dry-run
      sb gc
      sb gc --keep 2 --older-than 1w
    """
    found = gc.gc(site, keep=keep, older_than=older_than, dry_run=dry_run)
    rows = [*_rows("keep", found.kept), *_rows("would remove" if dry_run else "removed", found.gone)]
    if rows:
        click.echo(aligned(rows, right=[2]))
    click.echo(str(found))


def _rows(verb: str, items: Sequence[Item]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a line for each version or layer, and for the rest a line for each reason."""
    alike: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        why = "; ".join(item.why) or f"last needed {age(time.time() - item.last_used)} ago"
        if item.kind in _SHOWN_ONE_BY_ONE:
            name = item.name if item.kind == "version" else f"layer {item.name[:8]}"
            yield verb, name, size(item.size_bytes), why
        else:
            alike[item.kind, "" if item.goes else why].append(item)
    for (kind, why), some in alike.items():
        yield verb, gc.count(kind, len(some)), size(sum(item.size_bytes for item in some)), why
