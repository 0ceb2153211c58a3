"""xCAT's lsdef: list definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sbkernel.cli.answers import frame, give, taken
from sbkernel.cli.definitions.defcommand import comma, definition_command, names_of
from sbkernel.cli.definitions.defmessages import complain, complain_of
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.cli.verb import echo
from sbkernel.definitions import select
from sbkernel.definitions.attributes import TYPES
from sbkernel.definitions.definition import Attributes, Definition
from sbkernel.definitions.objectverbs import listing
from sbkernel.definitions.objectverbs.listing import Listed, Wanted, check_only, listed, with_defaults
from sbkernel.definitions.select import Condition
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_NICS = (
    "nicips", "nichostnamesuffixes", "nichostnameprefixes", "nictypes", "niccustomscripts", "nicnetworks",
    "nicaliases", "nicextraparams", "nicdevices",
)  # fmt: skip
_LOGS = ("auditlog", "eventlog")
_NO_OBJECTS = "Could not find any object definitions to display."
_NO_MATCH = "No object definitions have been found"


class _Found(NamedTuple):
    definitions: list[Definition]
    missing: int
    hidden: int


def work(site: Site, request: DefinitionRequest) -> int:
    """List definitions: names, or all attributes when objects are named."""
    if request.template is not None:
        from sbkernel.cli.definitions import lstemplates

        return lstemplates.work(site, request)
    conditions = select.parse(request.where)
    types = _types(request)
    only, wrong = _only(types, request)
    for error in wrong:
        complain_of(error)
    found = _find(site, types, request)
    defaults = {} if request.stanza else _defaults(site)
    chosen, undecided = _choose(conditions, found.definitions, defaults)
    if chosen:
        _print(site, chosen, only, request, defaults)
    elif not (found.hidden or undecided) or found.missing:
        echo(_NO_MATCH if request.names or found.definitions else _NO_OBJECTS)
    long = chosen if _is_long(request) else []
    unlisted = [error for one in long for error in listing.unlisted(one, only[one.objtype])]
    for error in (*undecided, *unlisted):
        complain_of(error)
    return int(bool(found.missing or wrong or undecided or unlisted))


def _types(request: DefinitionRequest) -> list[str]:
    if not request.everything:
        return request.objtypes
    # xCAT has no object type for passwords. A listing of everything shows them only if an import is to restore them.
    return [one for one in TYPES if one not in _LOGS and (one != "passwd" or request.reveal)]


def _only(types: Sequence[str], request: DefinitionRequest) -> tuple[dict[str, tuple[str, ...]], list[DefinitionError]]:
    names = _NICS if request.nics else tuple(comma(request.only))
    checked = {objtype: check_only(objtype, names) for objtype in types}
    wrong = [error for _right, errors in checked.values() for error in errors]
    return {objtype: tuple(right) for objtype, (right, _wrong) in checked.items()}, wrong


def _find(site: Site, types: Iterable[str], request: DefinitionRequest) -> _Found:
    definitions: list[Definition] = []
    missing = hidden = 0
    for objtype in types:
        collection = site.all_of(objtype)
        wanted = names_of(site, request, objtype) if request.names else list(collection)
        found = _named(site, wanted) if objtype == "node" and _names_do(request) else collection.many(wanted)
        for name in sorted(set(wanted) - found.keys()):
            missing += 1
            complain("Error", f"Could not find an object named '{name}' of type '{objtype}'.")
        seen = [one for one in found.values() if request.hidden or one.objtype != "node" or one.peek("hidden") != "1"]
        hidden += len(found) - len(seen)
        definitions += [one.revealed() for one in seen] if request.reveal else seen
    return _Found(definitions, missing, hidden)


def _names_do(request: DefinitionRequest) -> bool:
    """Tell whether only names are shown. Inherited values are not needed then, and it is ten times as fast."""
    return not (_is_long(request) or request.where or (taken.get() is not None and not request.is_short))


def _named(site: Site, names: Sequence[str]) -> dict[str, Definition]:
    own = site.store.get_many("node", names)
    return {name: Definition.of("node", name, {"hidden": own[name].get("hidden", "")}) for name in sorted(own)}


def _choose(
    conditions: Sequence[Condition], definitions: Sequence[Definition], defaults: dict[str, str]
) -> tuple[list[Definition], list[DefinitionError]]:
    """Return the objects of which all conditions hold, and why that cannot be said of others."""
    chosen: list[Definition] = []
    undecided: list[DefinitionError] = []
    for one in definitions:
        try:
            if not conditions or select.holds(conditions, _with_defaults(one, defaults)):
                chosen.append(one)
        except DefinitionError as error:
            undecided.append(error)
    return chosen, undecided


def _with_defaults(one: Definition, defaults: dict[str, str]) -> Attributes:
    values = with_defaults(one.attributes.sound, defaults) if one.objtype == "node" else one.attributes.sound
    return Attributes(one.objtype, values, one.attributes.faults)


def _defaults(site: Site) -> dict[str, str]:
    return site.store.get("group", "xcatdefaults") or {}


def _print(
    site: Site,
    chosen: list[Definition],
    only: dict[str, tuple[str, ...]],
    request: DefinitionRequest,
    defaults: dict[str, str],
) -> None:
    if not (request.stanza or request.compress) and give(lambda: _frame(chosen, only, request, defaults)):
        return
    if not _is_long(request):
        names = (Listed(one.objtype, one.name) for one in chosen)
        short = listing.short(names, all_types=request.everything)
        _echo(listing.stanzas(names, names_only=True) if request.stanza else short)
        return
    shown: Iterable[Listed] = (listed(one, Wanted(only[one.objtype], defaults, request.verbose)) for one in chosen)
    if any(only.values()) or not (request.only or request.nics):
        shown = _with_osimages(site, chosen, shown) if request.with_osimage else shown
    else:
        shown = (Listed(one.objtype, one.name) for one in chosen)
    _echo(_lines(shown, request))


def _frame(
    chosen: list[Definition], only: dict[str, tuple[str, ...]], request: DefinitionRequest, defaults: dict[str, str]
) -> Any:
    """Return objects as a DataFrame of all that -i and -s leave, for who takes values rather than lines."""
    several = len(only) > 1
    rows = []
    for one in chosen:
        values = dict(() if request.is_short else listed(one, Wanted(only[one.objtype], defaults)).values)
        asked = {key: values[key] for key in only[one.objtype] if key in values}  # in the order of -i
        rows.append({"name": one.name, **({"type": one.objtype} if several else {}), **asked, **values})
    return frame(rows, "name")


def _is_long(request: DefinitionRequest) -> bool:
    asked = request.is_long or request.names or request.only or request.nics or request.stanza
    return bool(asked) and not request.is_short


def _lines(shown: Iterable[Listed], request: DefinitionRequest) -> Iterator[str]:
    if request.compress:
        return listing.compressed(shown)
    if request.stanza:
        return listing.stanzas(shown)
    return listing.long(shown, with_type=request.everything or len(request.objtypes) > 1)


def _with_osimages(site: Site, chosen: list[Definition], shown: Iterable[Listed]) -> Iterator[Listed]:
    """Add to each node the attributes of the osimage that it boots."""
    from sbkernel.images.catalog.reference import parse  # provmethod may pin a version

    images = site.osimages.many({parse(one.peek("provmethod")).image for one in chosen if one.objtype == "node"})
    for one, seen in zip(chosen, shown, strict=True):
        image = images.get(parse(one.peek("provmethod")).image)
        if one.objtype == "node" and image is None:
            _complain_of_osimage(one)
        more = listed(image, Wanted()).values if image is not None and one.objtype == "node" else ()
        yield seen._replace(values=[*seen.values, *more])


def _complain_of_osimage(node: Definition) -> None:
    if node.peek("provmethod"):
        complain("Warning", f"{node.name}: could not find information for osimage {node.peek('provmethod')}")
        return
    keys = "'os', 'arch','profile' and 'provmethod'"
    complain("Error", f"Missing attributes for node {node.name}, check the node attributes {keys}.")


def _echo(lines: Iterable[str]) -> None:
    echo("".join(f"{line}\n" for line in lines), nl=False)


command = definition_command("lsdef", work)
