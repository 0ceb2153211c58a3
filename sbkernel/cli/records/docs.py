"""sb docs: the documentation as a directory of HTML."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.group import Verbs
from sbkernel.cli.main import VERB_GROUPS


@click.command()
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Where the pages go."
)
def command(output: Path) -> None:
    """Write this documentation as HTML, with a page for each task, verb and attribute.

    The pages need no network and no web server: open index.html in DIR. An older
    documentation in DIR is replaced; a directory with anything else is left alone.
    Needs the extra docs (pip install 'sbkernel[docs]'); in a checkout,
    python3 -m sbkernel docs installs it.

    \b
    Example:
      sb docs -o ~/sbkernel-docs
    """
    from sbkernel.docs.build import build

    count = build(output, Verbs(VERB_GROUPS, name="sb"), VERB_GROUPS)
    click.echo(f"{count} pages written: {output / 'index.html'}")
