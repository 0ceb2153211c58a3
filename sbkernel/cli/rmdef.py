"""xCAT's rmdef: remove definitions. Trees and packed images on disk stay."""

from __future__ import annotations

import click

from sbkernel.cli.defs import NO_NAMES, complain, definition_verb, found, types_of, words
from sbkernel.definitions import change
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

_ALL = ("node", "group", "network", "osimage")


@click.command("rmdef", add_help_option=False)
@click.option("-a", "--all", "everything", is_flag=True, help="All nodes, groups, networks and osimages; needs -f.")
@click.option("-f", "--force", is_flag=True, help="Really all.")
@click.option("-o", "objects", metavar="NAMES", help="Names of objects, or a noderange.")
@click.argument("arguments", nargs=-1, metavar="[NAMES]")
@definition_verb
def command(
    site: Site, types: str | None, everything: bool, force: bool, objects: str | None, arguments: tuple[str, ...]
) -> int:
    """Remove definitions; what was built stays on disk."""
    name = words(arguments, objects).name
    if everything:
        _check_all(types, name, force)
        return _remove(site, [(objtype, one) for objtype in _ALL for one in site.all_of(objtype)], failed=False)
    if not name:
        raise SbkernelError(NO_NAMES)
    chosen, failed = _named(site, types_of(types), name)
    return _remove(site, chosen, failed)


def _check_all(types: str | None, name: str, force: bool) -> None:
    if types or name:
        raise click.UsageError("Cannot use '-a' with '-t' or names.")
    if not force:
        raise click.UsageError("You must use the '-f' option when using the '-a' option.")


def _named(site: Site, types: list[str], name: str) -> tuple[list[tuple[str, str]], bool]:
    chosen: list[tuple[str, str]] = []
    failed = False
    for objtype in types:
        if objtype == "site":
            raise DefinitionError("The settings of the site cannot be removed.", hint="chdef -t site KEY= clears one.")
        names, absent = found(site, objtype, name)
        chosen += [(objtype, one) for one in names]
        for one in absent:
            complain("Error", f"Could not find an object named '{one}' of type '{objtype}'.")
        failed = failed or bool(absent)
    return chosen, failed


def _remove(site: Site, chosen: list[tuple[str, str]], failed: bool) -> int:
    with site.store.write("rmdef") as transaction:
        removed = sum(change.remove(transaction, objtype, name) for objtype, name in chosen)
    if removed:
        click.echo(f"{removed} object definitions have been removed.")
    else:
        click.echo("No objects have been removed from the xCAT database.")
    return int(failed)
