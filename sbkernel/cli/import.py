"""sb import: take over the definitions of another program, or of another site."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.importing.detect import KINDS
from sbkernel.site import Site


@click.command("import")
@click.argument("path")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--format", "kind", type=click.Choice(KINDS), help="What PATH is; else found out.")
@pass_site
def command(site: Site, path: str, dry_run: bool, kind: str | None) -> int:
    """Import PATH: a stanza file (lsdef -a -l -z, sb export), tables (a directory of *.csv, as dumpxCATdb writes
    them), or nodes.conf of Warewulf 4. - reads stdin.

    What PATH says is set, all else stays. It is one change: sb undo takes it back. What is not understood is listed
    on stderr with file and line.
    """
    report = site.import_from(path, kind or "", dry_run=dry_run)
    for line in report.complaints():
        click.echo(f"Warning: {line}", err=True)
    for line in report.differences(new=dry_run):
        click.echo(line)
    for line in report.summary():
        click.echo(line)
    return 0 if report.decision.after else 1
