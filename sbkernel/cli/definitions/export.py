"""sb export: write the whole site as stanza text."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.files import write_whole
from sbkernel.site import Site


@click.command("export")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write. Default: stdout.",
)
@click.option("--reveal", is_flag=True, help="Write passwords in clear text, so that an import restores them.")
@pass_site
def command(site: Site, output: Path | None, reveal: bool) -> None:
    """Write all definitions of the site as stanza text, for `sb import` or `sb mkdef -z`.

    Passwords are written as *** without --reveal; references such as env:NAME, file:PATH and keyring:NAME are no
    secret and are written as they are. An existing FILE is replaced as a whole, and only its owner may read it. Packed
    images are written by `sb export-image`.

    \b
    Example:
      sb export -o backup.stanza --reveal
    """
    text = site.export(reveal=reveal)
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(output, text, mode=0o600, durable=True)
    click.echo(f"{output}: {text.count(chr(10) * 2)} objects" + ("" if reveal else "; passwords are ***"))
