"""sb import: take over the definitions of another program, or of another site."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.importing.importer import KINDS
from sbkernel.site import Site


@click.command("import")
@click.argument("path")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--format", "kind", type=click.Choice(KINDS), help="What PATH is. Default: found out from its content.")
@pass_site
def command(site: Site, path: str, dry_run: bool, kind: str | None) -> int:
    """Take over the definitions in PATH, or on stdin if PATH is -.

    \b
    PATH may be:
      stanza    a stanza file, from lsdef -a -l -z or sb export
      tabdump   a directory of tables as *.csv, as dumpxCATdb writes it
      warewulf  nodes.conf of Warewulf 4

    What PATH says is set; everything else stays as it is. The import is one change, which `sb undo` takes back. What
    is not understood is listed on stderr with file and line. A packed image comes by `sb import-image`.

    \b
    Example:
      sb import --dry-run site.stanza
    """
    report = site.import_from(path, kind or "", dry_run=dry_run)
    for line in report.complaints():
        click.echo(f"Warning: {line}", err=True)
    for line in report.differences(new=dry_run):
        click.echo(line)
    for line in report.summary():
        click.echo(line)
    return 0 if report.decision.after else 1
