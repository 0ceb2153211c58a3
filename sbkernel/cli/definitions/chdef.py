"""xCAT's chdef: change or create definitions."""

from __future__ import annotations

from sbkernel.cli.definitions.defcommand import definition_command, names_of
from sbkernel.cli.definitions.defgiven import context_of, given
from sbkernel.cli.definitions.defmessages import FAILED, NOTHING_CHANGED, complain, complain_of, say
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.cli.definitions.defwork import (
    in_transaction,
    nodes_first,
    updated_names,
    warn_of_capitals,
    warn_of_shared_trees,
)
from sbkernel.cli.verb import echo
from sbkernel.definitions import objects
from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.objectverbs import newvalues
from sbkernel.definitions.objectverbs.alter import ListEditor, alter
from sbkernel.definitions.objectverbs.make import Context
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Transaction
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_TREE = {"rootimgdir", "osvers", "osarch", "profile", "provmethod"}
"""Attributes of an osimage that decide where it is built."""


def work(site: Site, request: DefinitionRequest) -> int:
    """Change attributes, or create what does not exist; `ATTR=` clears one."""
    if request.rename:
        return _rename(site, request)
    wanted = given(site, request)
    for error in wanted.wrong:
        complain_of(error)
        complain("Error", newvalues.SKIPPING)
    context, editor = context_of(site, request), _editor(request)
    stanzas = [one for one in nodes_first(wanted.stanzas) if one.values or one.objtype == "group"]
    outcomes = in_transaction(site, request, lambda transaction: _alter_all(transaction, stanzas, editor, context))
    if any(one.values.keys() & _TREE for one in stanzas):
        warn_of_shared_trees(site, stanzas)
    return _report(outcomes, stanzas, request, failed=bool(wanted.wrong))


def _editor(request: DefinitionRequest) -> ListEditor:
    return newvalues.plus if request.plus else newvalues.minus if request.minus else newvalues.replace


def _alter_all(
    transaction: Transaction, stanzas: list[Stanza], editor: ListEditor, context: Context
) -> list[ObjectOutcome]:
    for objtype in {one.objtype for one in stanzas}:
        some = [one for one in stanzas if one.objtype == objtype]
        objects.look_ahead(transaction, objtype, [one.name for one in some], [one.values for one in some])
    return [alter(transaction, one, editor, context) for one in stanzas]


def _rename(site: Site, request: DefinitionRequest) -> int:
    objtype, new = request.objtype, request.rename
    names = names_of(site, request, objtype)
    if objtype == "site":
        raise DefinitionError(f"The {SITE} is not a valid object.", hint="The settings of the site have no other name.")
    if len(names) > 1:
        raise DefinitionError("The '-n' option (changing object name) can only work on one object.")

    def rename(transaction: Transaction) -> None:
        if not objects.exists(transaction, objtype, names[0]):
            raise DefinitionError(f"The {names[0]} is not a valid object.")
        objects.rename(transaction, objtype, names[0], new)

    in_transaction(site, request, rename)
    echo(f"Changed the object name from {names[0]} to {new}.")
    return 0


def _report(outcomes: list[ObjectOutcome], stanzas: list[Stanza], request: DefinitionRequest, *, failed: bool) -> int:
    wrong = say(outcomes)
    if failed or any(one.failed for one in outcomes):
        complain("Error", FAILED)
        return 1
    done = sum(one.done for one in outcomes)
    if request.verbose:
        echo(updated_names(outcomes) if done else "No database was updated")
        return int(wrong)
    echo(f"{done} object definitions have been created or modified." if done else f"{NOTHING_CHANGED}.")
    created = {one.name for one in outcomes if one.created}
    if created:
        names = [one.name for one in outcomes if one.created]
        echo(f"New object definitions '{','.join(names)}' have been created.")
        warn_of_capitals(one for one in stanzas if one.name in created)
    return int(wrong)


command = definition_command("chdef", work)
