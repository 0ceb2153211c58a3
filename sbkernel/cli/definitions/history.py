"""sb history: who changed what, and when; of definitions, or of the power of nodes."""

from __future__ import annotations

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.definitions.editing import dataframes, overview
from sbkernel.definitions.store.journal import Change
from sbkernel.errors import NotFoundError
from sbkernel.service.power.history import lines, power_actions, power_history
from sbkernel.site import Site

_MANY = 20


@click.command("history")
@click.option("-n", "last", type=click.IntRange(1), default=_MANY, show_default=True, help="How many changes to list.")
@click.option(
    "-l", "--long", "is_long", is_flag=True, help="Show each attribute or node before and after; secrets are ***."
)
@click.option("--power", "of_power", is_flag=True, help="List what rpower and rsetboot did, to all or a NODERANGE.")
@click.argument("name", metavar="[OBJECT|NODERANGE]", default="")
@pass_site
def command(site: Site, name: str, last: int, is_long: bool, of_power: bool) -> None:
    """List the last changes of all definitions, or of one OBJECT. The newest comes last.

    With --power, list who changed the power or the boot device of which nodes,
    from where, and what came out; -l shows it for each node. Notebooks get it
    as a DataFrame: sbkernel.service.power.history.power_history(site).

    \b
    Examples:
      sb history -l vn1
      sb history --power rack1
    """
    if of_power:
        if give(lambda: power_history(site, name, last)):
            return
        for action in power_actions(site, name, last):
            for line in lines(action, is_long=is_long):
                click.echo(line)
        return
    changes = site.store.changes(name, last)
    if name and not changes:
        raise NotFoundError(f"no change of '{name}' is known", hint="sb history, without a name, lists all changes.")
    if not is_long and give(lambda: dataframes.history(changes)):
        return
    for change in changes:
        _print(site, change, name, is_long)


def _print(site: Site, change: Change, name: str, is_long: bool) -> None:
    entries = site.store.entries(change.id, 0 if is_long else overview.NAMED)
    click.echo(overview.change_line(change, entries))
    if is_long:
        of_object = (one for one in entries if name in ("", one.name))
        click.echo("".join(f"    {text}\n" for text in overview.before_and_after(of_object)), nl=False)
