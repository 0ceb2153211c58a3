"""sb undo: put definitions back as they were before a change."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.editing import overview
from sbkernel.definitions.store import history
from sbkernel.site import Site


@click.command("undo")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("-f", "--force", is_flag=True, help="Undo even if the objects were changed since; other attributes stay.")
@click.argument("change", metavar="[CHANGE]", type=click.IntRange(1), required=False)
@pass_site
def command(site: Site, change: int | None, dry_run: bool, force: bool) -> None:
    """Put definitions back as they were before CHANGE.

    CHANGE is a number from `sb history`; the default is the last change. Undoing is itself a change, so a second
    `sb undo` takes it back.
    """
    undone = (history.plan if dry_run else history.undo)(site.store, change, force=force)
    click.echo("".join(f"{text}\n" for text in overview.before_and_after(undone.entries)), nl=False)
    verb = "would be undone" if dry_run else "was undone"
    click.echo(f"change {undone.change.id} ({undone.change.what}) {verb}.")
