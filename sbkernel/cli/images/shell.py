"""sb shell: open a shell in a copy of the root tree of an image, and keep what was changed as a script."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.images.shell.changes import Changes
from sbkernel.images.shell.shell import keep, place_of, shell
from sbkernel.site import Site


@click.command("shell", context_settings={"ignore_unknown_options": True})
@click.option("--keep", "file", metavar="FILE", help="Keep the change as the postinstall script FILE; ask nothing.")
@click.option("--discard", is_flag=True, help="Keep nothing; ask nothing.")
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_site
def command(site: Site, file: str | None, discard: bool, image: str, command: tuple[str, ...]) -> int:
    """Open a shell in a copy of the root tree of IMAGE, or run COMMAND there.

    The copy is seen by nobody else, and is gone afterwards; the tree that was built stays as it is. The shell is root
    in it, and has the network of this host. What was changed is shown at the end, and can be kept: files as a
    postinstall script of the osimage, which the next genimage runs, and packages as lines for its pkglist.

    FILE is a name beside the site's own lists, or a full path. `sb undo` takes the script out of the osimage again.
    The exit status is that of COMMAND, or of the shell.
    """
    if file is not None and discard:
        raise click.UsageError("--keep and --discard exclude each other")
    if file is None and not discard and not sys.stdin.isatty():
        raise SbkernelError("there is no terminal to ask at", hint="say --keep FILE or --discard")
    if file is not None:
        place_of(site, image, file)
    left = shell(site, image, command)
    click.echo(str(left.changes), err=True)
    if not discard and left.changes:
        _offer(site, image, left.changes, file)
    return left.status if left.status >= 0 else 128 - left.status


def _offer(site: Site, image: str, changes: Changes, file: str | None) -> None:
    """Keep the change, if somebody wants that; say what the pkglist must say."""
    if changes.packages:
        click.echo("for the pkglist, since no script keeps packages:", err=True)
        click.echo("".join(f"  {line}\n" for line in changes.lines), nl=False, err=True)
    if not changes.kept:
        return
    if file is not None:
        place = keep(site, image, changes, file)
    elif click.confirm("Keep the change as a postinstall script?", err=True):
        place = _asked(site, image, changes)
    else:
        return
    click.echo(f"kept as {place}; sb genimage {image} runs it, sb undo takes it out again", err=True)


def _asked(site: Site, image: str, changes: Changes) -> Path:
    """Keep the change under a name that somebody chooses; what cannot be one is asked again."""
    try:
        proposed = str(place_of(site, image))
    except DefinitionError:
        proposed = None
    while True:
        answer: str = click.prompt("As which file", default=proposed, err=True)
        try:
            return keep(site, image, changes, answer)
        except DefinitionError as error:
            click.echo(str(error), err=True)
