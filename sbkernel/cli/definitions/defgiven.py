"""The objects that mkdef and chdef get, with their new attributes: from words, or from a stanza file on stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NamedTuple

from sbkernel.cli.definitions.defcommand import names_of
from sbkernel.cli.definitions.defmessages import NO_NAMES, Refusal, complain
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.definitions import select, stanza
from sbkernel.definitions.attributes import SITE, is_secret
from sbkernel.definitions.objectverbs.grouping import MemberChoice, Nodes
from sbkernel.definitions.objectverbs.make import Context
from sbkernel.definitions.objectverbs.newvalues import known
from sbkernel.definitions.ranges.noderange import names
from sbkernel.definitions.ranges.universe import NodeUniverse
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.select import check
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError
from sbkernel.site import Site


class Given(NamedTuple):
    """Objects with their new attributes, and an error for each attribute that is wrong."""

    stanzas: list[Stanza]
    wrong: list[DefinitionError]


def given(site: Site, request: DefinitionRequest, values: Values | None = None) -> Given:
    """Return the objects that a call makes or changes: with -z those on stdin, else those that its words name."""
    if request.stanza:
        objects, remarks, _places = stanza.read(sys.stdin.read(), "stdin")
        for line, text in remarks:
            complain("Warning", f"stdin:{line}: {text}")
        if not objects:
            raise Refusal(NO_NAMES)
    else:
        _refuse_other_sites(request)
        whole = request.values if values is None else values
        named = [SITE] if request.objtype == "site" else names_of(site, request, request.objtype)
        objects = [Stanza(request.objtype, name, whole) for name in named]
    return _known(with_kept_secrets(site, one) for one in objects)


def _refuse_other_sites(request: DefinitionRequest) -> None:
    if request.objtype == "site" and request.names not in ("", SITE):
        hint = f"The settings of the site are one object, {SITE}; its name can be left out."
        raise DefinitionError(f"Could not find an object named '{request.names}' of type 'site'.", hint=hint)


def _known(stanzas: Iterable[Stanza]) -> Given:
    """Separate the attributes that a type has from those that it lacks; each of these gives one error."""
    right: list[Stanza] = []
    wrong: dict[str, DefinitionError] = {}
    for one in stanzas:
        values, faults = known(one.objtype, one.values)
        wrong |= {str(fault): fault for fault in faults}
        right.append(one._replace(values=values) if faults else one)
    return Given(right, list(wrong.values()))


def with_kept_secrets(site: Site, one: Stanza) -> Stanza:
    """Replace the *** of a listing by the stored value, and say so."""
    hidden = [key for key, value in one.values.items() if value == HIDDEN and is_secret(one.objtype, key)]
    if not hidden:
        return one
    stored = site.store.get(one.objtype, one.name) or {}
    values = dict(one.values)
    for key in hidden:
        del values[key]
        what = "keeps its stored value" if key in stored else "is not copied"
        complain("Warning", f"{one.name}: {key} {what}: listings do not show secrets.")
        values |= {key: stored[key]} if key in stored else {}
    return one._replace(values=values)


def context_of(site: Site, request: DefinitionRequest) -> Context:
    """Return what is needed to make and alter objects. Raises DefinitionError for a wrong -w."""
    conditions = select.parse(request.where)
    if request.dynamic:
        check(conditions)
    universe = NodeUniverse(site.store)
    defaults = site.store.get("group", "xcatdefaults") or {}
    fill = None
    if request.fill:
        from sbkernel.definitions.objectverbs.templates import filler

        fill = filler(site.installdir, site.root / "share")
    chosen = MemberChoice(request.dynamic, request.where, conditions)
    return Context(lambda text: names(text, universe), _nodes(site), fill, defaults, chosen, request.stanza)


def _nodes(site: Site) -> Nodes:
    return lambda: {name: one.attributes for name, one in site.nodes.many(list(site.nodes)).items()}
