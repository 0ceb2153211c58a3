"""xCAT's mkdef: make definitions."""

from __future__ import annotations

import sys
from collections import Counter

import click

from sbkernel.cli.defs import NO_NAMES, complain, complain_of, definition_verb, targets, types_of, without_hidden
from sbkernel.cli.defs import words as read_words
from sbkernel.definitions import change, stanza
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store import Transaction
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

_NOTHING = "No object definitions have been created or modified"


@click.command("mkdef", add_help_option=False)
@click.option("-z", "--stanza", "from_stdin", is_flag=True, help="Read a stanza file from stdin.")
@click.option("-f", "--force", is_flag=True, help="Replace a definition that exists.")
@click.option("--template", metavar="NAME", help="Begin with the attributes of this object.")
@click.option("-o", "objects", metavar="NAMES", help="Names of objects, or a noderange that need not exist.")
@click.argument("arguments", nargs=-1, metavar="[NAMES] [ATTR=VALUE]...")
@definition_verb
def command(
    site: Site,
    types: str | None,
    from_stdin: bool,
    force: bool,
    template: str | None,
    objects: str | None,
    arguments: tuple[str, ...],
) -> int:
    """Make definitions from attr=value words, a template, or a stanza file."""
    if from_stdin:
        _check_stdin(types, objects, template)
        stanzas = [without_hidden(one) for one in stanza.parse(sys.stdin.read(), "stdin")]
    else:
        stanzas = _from_words(site, types, objects, arguments, template)
    return _report(make(site, stanzas, force=force))


def _check_stdin(types: str | None, objects: str | None, template: str | None) -> None:
    if types:
        raise click.UsageError("Cannot combine '-t' and '-a', '-z', or '-x' options.")
    if objects:
        raise click.UsageError("Cannot combine '-z' with '-o' or a noderange.")
    if template:
        raise click.UsageError("The file input can not be used with --template option!")


def _from_words(
    site: Site, types: str | None, objects: str | None, arguments: tuple[str, ...], template: str | None
) -> list[Stanza]:
    objtype = types_of(types)[0]
    words = read_words(arguments, objects)
    names = targets(site, objtype, words.name)
    if not names:
        raise SbkernelError(NO_NAMES)
    values = {**_template(site, objtype, template, names), **words.values}
    if not values:
        needed = " The 'groups' attribute is required when creating node definitions." if types == "node" else ""
        raise SbkernelError(f"{_NOTHING}: no attributes were specified.{needed}")
    return [Stanza(objtype, name, values) for name in names]


def _template(site: Site, objtype: str, template: str | None, names: list[str]) -> dict[str, str]:
    if template is None:
        return {}
    if template in names:
        raise DefinitionError(f"The template {objtype} cannot be the same as the {objtype} to create.")
    if template not in site.all_of(objtype):
        raise DefinitionError(f"Could not find the template object named '{template}' of type '{objtype}'.")
    values = site.store.get(objtype, template) or {}
    return {key: value for key, value in values.items() if key not in ("members", "status", "statustime")}


def make(site: Site, stanzas: list[Stanza], *, force: bool = False) -> Counter[str]:
    """Create objects, nodes before the groups that name them; count which were made, existed, or were wrong.

    What is wrong with one object is printed and does not stop the others.
    """
    with site.store.write("mkdef") as transaction:
        ordered = sorted(stanzas, key=lambda one: one.objtype == "group")
        outcomes = Counter(_make(site, transaction, one, force) for one in ordered)
    _warn_of_shared_trees(site, stanzas)
    return outcomes


def _make(site: Site, transaction: Transaction, one: Stanza, force: bool) -> str:
    try:
        if change.exists(transaction, one.objtype, one.name):
            if not force:
                complain("Warning", _exists(one.name))
                return "existed"
            transaction.delete(one.objtype, one.name)
        _check_required(site, one)
        if not _all_right(transaction, one):
            return "wrong"
        change.change(transaction, one.objtype, one.name, one.values)
    except SbkernelError as error:
        complain_of(error)
        return "wrong"
    return "made"


def _exists(name: str) -> str:
    return (
        f"A definition for '{name}' already exists. No changes will be made.  "
        "Run again with '-f' option to force replace."
    )


def _check_required(site: Site, one: Stanza) -> None:
    if one.objtype == "node" and not one.values.get("groups"):
        raise DefinitionError(f"Attribute 'groups' is not specified for node '{one.name}', skipping to the next node.")
    if one.objtype == "network":
        _check_network(site, one)


def _check_network(site: Site, one: Stanza) -> None:
    wanted = (one.values.get("net"), one.values.get("mask"))
    if not all(wanted):
        raise DefinitionError(f"Net or mask value should not be empty for xCAT network object '{one.name}'.")
    for other, values in site.store.objects("network").items():
        if (values.get("net"), values.get("mask")) == wanted:
            raise DefinitionError(
                f"A network definition called '{other}' already exists that contains the same net and mask values. "
                f"Cannot create a definition for '{one.name}'."
            )


def _all_right(transaction: Transaction, one: Stanza) -> bool:
    wrong = change.wrong(transaction, one.objtype, one.name, one.values)
    for error in wrong.values():
        complain_of(error)
        complain("Error", "Skipping to the next attribute.")
    return not wrong


def _warn_of_shared_trees(site: Site, stanzas: list[Stanza]) -> None:
    for one in stanzas:
        if one.objtype == "osimage" and one.name in site.osimages and (others := site.sharing_rootimgdir(one.name)):
            complain(
                "Warning",
                f"{one.name} has the rootimgdir of {', '.join(others)}: genimage would build one over the other.\n"
                f"  chdef -t osimage {one.name} rootimgdir=DIR profile=NAME; sb clone does it by itself.",
            )


def _report(outcomes: Counter[str]) -> int:
    made = outcomes["made"]
    if made:
        click.echo(f"{made} object definitions have been created or modified.")
    elif not outcomes["wrong"]:
        complain("Error", "0 object definitions have been created or modified.")
    return int(outcomes["wrong"] > 0 or made == 0)
