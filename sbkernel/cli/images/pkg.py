"""sb pkg: add, remove and list the packages of an osimage, or show what would be installed."""

from __future__ import annotations

import json

import click

from sbkernel import lists
from sbkernel.cli.common import pass_site
from sbkernel.lists.edit import PackageFiles
from sbkernel.lists.writing import Edited
from sbkernel.site import Site

_SIGNS = {"install": "", "pre_remove": "-", "post_remove": "--"}
_ACTIONS = ("add", "remove", "list", "undo", "resolve")


@click.command("pkg")
@click.option("--other", is_flag=True, help="Use the otherpkglist, not the pkglist.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="How to print.",
)
@click.option("--all", "everything", is_flag=True, help="With resolve: show the base system as well.")
@click.argument("image")
@click.argument("action", type=click.Choice(_ACTIONS))
@click.argument("names", nargs=-1)
@pass_site
def command(
    site: Site, other: bool, form: str, everything: bool, image: str, action: str, names: tuple[str, ...]
) -> int:
    """Edit or list the packages of IMAGE.

    \b
    add, remove  change the list file; a shipped file is copied first
    undo         take back the last edit
    list         show every entry, with file and line
    resolve      ask the package manager what the list would install; build
                 nothing

    \b
    Examples:
      sb pkg mine add tmux htop
      sb pkg mine resolve
    """
    _check_names(action, names)
    files = lists.of(site, image).otherpkglist if other else lists.of(site, image).pkglist
    if action == "resolve":
        return _resolve(site, image, form, everything)
    if action == "list":
        _list(files, form)
    else:
        click.echo(str(_edit(files, action, names)))
    return 0


def _check_names(action: str, names: tuple[str, ...]) -> None:
    if action in ("add", "remove") and not names:
        raise click.UsageError(f"{action} needs names of packages")
    if action not in ("add", "remove") and names:
        raise click.UsageError(f"{action} takes no names")


def _edit(files: PackageFiles, action: str, names: tuple[str, ...]) -> Edited:
    if action == "undo":
        return files.undo()
    return files.add(*names) if action == "add" else files.remove(*names)


def _list(files: PackageFiles, form: str) -> None:
    entries = files.parsed.entries
    rows = [(f"{_SIGNS[entry.kind]}{entry.name}", entry.where) for entry in entries if entry.kind in _SIGNS]
    if form == "json":
        click.echo(json.dumps([{"name": name, "where": where} for name, where in rows], indent=2))
        return
    width = max((len(name) for name, _ in rows), default=0)
    for name, where in rows:
        click.echo(f"{name},{where}" if form == "csv" else f"{name.ljust(width)}  {where}")


def _resolve(site: Site, image: str, form: str, everything: bool) -> int:
    from sbkernel.cli.images.resolution import print_resolution
    from sbkernel.images.resolve import resolve

    return print_resolution(resolve(site, image), form, everything)
