"""xCAT's mkdef: make definitions."""

from __future__ import annotations

from sbkernel.cli.definitions.defcommand import definition_command, names_of
from sbkernel.cli.definitions.defgiven import Given, context_of, given
from sbkernel.cli.definitions.defmessages import FAILED, NOTHING_CHANGED, Refusal, complain, complain_of, say
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
from sbkernel.definitions.objectverbs import newvalues, templates
from sbkernel.definitions.objectverbs.make import make
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import check_name
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_NEVER_COPIED = ("members", "status", "statustime", "updatestatus", "updatestatustime", "appstatus", "appstatustime")


def work(site: Site, request: DefinitionRequest) -> int:
    """Make definitions from attr=value words, a template, or a stanza file."""
    wanted = given(site, request, None if request.template is None else _from_template(site, request))
    _check(wanted)
    _refuse_nothing(wanted, request)
    warn_of_capitals(wanted.stanzas)
    context = context_of(site, request)

    def make_all(transaction: Transaction) -> list[ObjectOutcome]:
        stanzas = nodes_first(wanted.stanzas)
        for objtype in {one.objtype for one in stanzas}:
            some = [one for one in stanzas if one.objtype == objtype]
            objects.look_ahead(transaction, objtype, [one.name for one in some], [one.values for one in some])
        there = [objects.exists(transaction, one.objtype, one.name) for one in stanzas]
        pairs = zip(stanzas, there, strict=True)
        return [make(transaction, one, context, there=was, force=request.force) for one, was in pairs]

    outcomes = in_transaction(site, request, make_all)
    warn_of_shared_trees(site, wanted.stanzas)
    return _report(outcomes, request)


def _check(wanted: Given) -> None:
    """Refuse invalid names and attributes before anything is made."""
    for error in wanted.wrong:
        complain_of(error)
        complain("Error", newvalues.SKIPPING)
    if wanted.wrong:
        raise Refusal
    wrong: dict[str, list[str]] = {}
    for one in wanted.stanzas:
        try:
            check_name(one.objtype, one.name)
        except DefinitionError as error:
            wrong.setdefault(str(error).replace(f"'{one.name}'", "'{}'"), []).append(one.name)
    for message, names in wrong.items():
        raise DefinitionError(message.format(",".join(names)))


def _refuse_nothing(wanted: Given, request: DefinitionRequest) -> None:
    if request.stanza or request.objtype == "group" or any(one.values for one in wanted.stanzas):
        return
    needed = " The 'groups' attribute is required when creating node definitions." if request.types == "node" else ""
    raise DefinitionError(f"{NOTHING_CHANGED}: no attributes were specified.{needed}")


def _from_template(site: Site, request: DefinitionRequest) -> Values:
    name, objtype = request.template or "", request.objtype
    if objtype == "node":
        shipped = templates.read(site.root / "share")
        if name in shipped:
            return templates.instance(shipped[name], request.values)
    if name not in site.all_of(objtype):
        raise DefinitionError(f"Could not find the template object named '{name}' of type '{objtype}'.")
    if name in names_of(site, request, objtype):
        raise DefinitionError("The template node cannot be the same as the node to create.")
    source = site.store.get(objtype, name) or {}
    shared = {key: value for key, value in source.items() if key not in _NEVER_COPIED}
    return templates.copy(shared, request.values)


def _report(outcomes: list[ObjectOutcome], request: DefinitionRequest) -> int:
    wrong = say(outcomes)
    if any(one.failed for one in outcomes):
        complain("Error", FAILED)
        return 1
    made = sum(one.done for one in outcomes)
    if request.verbose and made:
        echo(updated_names(outcomes))
    text = f"{made} object definitions have been created or modified."
    if not made:
        complain("Error", text)
        return 1
    echo(text)
    return int(wrong)


command = definition_command("mkdef", work)
