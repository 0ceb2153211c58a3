"""xCAT's chdef: change or create definitions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import click

from sbkernel.cli.defs import (
    FAILED,
    NO_NAMES,
    complain,
    complain_of,
    definition_verb,
    targets,
    types_of,
    without_hidden,
    words,
)  # fmt: skip
from sbkernel.definitions import change, edit, stanza
from sbkernel.definitions.edit import Edited
from sbkernel.definitions.newsite import SITE
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store import Transaction, Values
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

_NOTHING = "No object definitions have been created or modified"

Editor = Callable[[str, Mapping[str, str], Mapping[str, str]], Edited]


class Outcome(NamedTuple):
    """What became of one object."""

    name: str
    changed: bool
    created: bool
    failed: bool


@click.command("chdef", add_help_option=False)
@click.option("-z", "--stanza", "from_stdin", is_flag=True, help="Read a stanza file from stdin.")
@click.option("-p", "--plus", is_flag=True, help="Append to comma lists.")
@click.option("-m", "--minus", is_flag=True, help="Remove from comma lists.")
@click.option("-o", "objects", metavar="NAMES", help="Names of objects, or a noderange that need not exist.")
@click.argument("arguments", nargs=-1, metavar="[NAMES] [ATTR=VALUE]...")
@definition_verb
def command(
    site: Site,
    types: str | None,
    from_stdin: bool,
    plus: bool,
    minus: bool,
    objects: str | None,
    arguments: tuple[str, ...],
) -> int:
    """Change attributes, or create what does not exist; `ATTR=` clears one."""
    if plus and minus:
        raise click.UsageError("Cannot use '-p' with '-m'.")
    stanzas = _from_stdin(types, objects) if from_stdin else _from_words(site, types, objects, arguments)
    editor = edit.plus if plus else edit.minus if minus else edit.replace
    return _report(alter(site, stanzas, editor))


def _from_stdin(types: str | None, objects: str | None) -> list[Stanza]:
    if types:
        raise click.UsageError("Cannot combine '-t' and '-a', '-z', or '-x' options.")
    if objects:
        raise click.UsageError("Cannot combine '-z' with '-o' or a noderange.")
    return [without_hidden(one) for one in stanza.parse(sys.stdin.read(), "stdin")]


def _from_words(site: Site, types: str | None, objects: str | None, arguments: tuple[str, ...]) -> list[Stanza]:
    objtype = types_of(types)[0]
    name, values = words(arguments, objects)
    names = targets(site, objtype, name)
    if not names:
        raise SbkernelError(NO_NAMES)
    if not values:
        raise SbkernelError(f"{_NOTHING}: no attributes were specified.")
    return [Stanza(objtype, one, values) for one in names]


def alter(site: Site, stanzas: list[Stanza], editor: Editor) -> list[Outcome]:
    """Change objects, nodes before the groups that name them.

    What is wrong with one attribute is printed and does not stop the others.
    """
    with site.store.write("chdef") as transaction:
        ordered = sorted(stanzas, key=lambda one: one.objtype == "group")
        return [_alter(transaction, one, editor) for one in ordered]


def _alter(transaction: Transaction, one: Stanza, editor: Editor) -> Outcome:
    created = not change.exists(transaction, one.objtype, one.name)
    try:
        _check_required(one, created, editor)
        before = change.whole_of(transaction, one.objtype, one.name)
        changes, problems = editor(one.name, before, one.values)
        for problem in problems:
            complain("Error", problem)
        right, wrong = _sorted_out(transaction, one, changes)
        if right:
            change.change(transaction, one.objtype, one.name, right)
    except SbkernelError as error:
        complain_of(error)
        return Outcome(one.name, changed=False, created=False, failed=True)
    return Outcome(one.name, bool(right), bool(right) and created, failed=bool(problems or wrong))


def _check_required(one: Stanza, created: bool, editor: Editor) -> None:
    if created and editor is edit.minus:
        raise DefinitionError(f"The '-m' option is not valid since the '{one.name}' definition does not exist.")
    if created and one.objtype == "node" and not one.values.get("groups"):
        raise DefinitionError(f"Attribute 'groups' is not specified for node '{one.name}', skipping to the next node.")


def _sorted_out(transaction: Transaction, one: Stanza, changes: Values) -> tuple[Values, bool]:
    """Return the changes that are right, and whether some were wrong; those are printed."""
    wrong = change.wrong(transaction, one.objtype, one.name, changes)
    for error in wrong.values():
        complain_of(error)
        complain("Error", "Skipping to the next attribute.")
    return {key: value for key, value in changes.items() if key not in wrong}, bool(wrong)


def _report(outcomes: list[Outcome]) -> int:
    changed = sum(outcome.changed for outcome in outcomes)
    failed = any(outcome.failed for outcome in outcomes)
    if changed:
        click.echo(f"{changed} object definitions have been created or modified.")
    else:
        click.echo(f"{_NOTHING}.")
    created = [outcome.name for outcome in outcomes if outcome.created and outcome.name != SITE]
    if created:
        click.echo(f"New object definitions '{','.join(created)}' have been created.")
    if failed:
        complain("Error", FAILED)
    return int(failed)
