"""What lsdef shows of objects, byte for byte as xCAT does. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.attributes import OPEN_TYPES, attribute_of, attributes_of
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.stanza import TITLE
from sbkernel.definitions.stanza import attribute as line_of
from sbkernel.definitions.store.interface import Values
from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.errors import DefinitionError

_SCRIPTS = ("postscripts", "postbootscripts")


class Wanted(NamedTuple):
    """What to show of each object."""

    only: tuple[str, ...] = ()
    """Only these attributes, unset ones too; empty: all that are set."""
    defaults: Mapping[str, str] = {}
    """The scripts that every node runs before its own (xcatdefaults)."""
    tables: bool = False
    """Show where xCAT stores each value."""


class Listed(NamedTuple):
    """An object with the attributes that a listing shows, in order. Secrets are already hidden."""

    objtype: str
    name: str
    values: Sequence[tuple[str, str]] = ()


def listed(one: Definition, wanted: Wanted) -> Listed:
    """Return what a listing shows of an object. Attributes that cannot be computed are left out."""
    held = _fitting(one.objtype, one.attributes.printable(), one.attributes.sound)
    values = _annotated(one, held) if wanted.tables else held
    if one.objtype == "node" and wanted.defaults:
        values = with_defaults(values, wanted.defaults, annotate=wanted.tables)
    if wanted.only:
        return Listed(one.objtype, one.name, _chosen(one, values, wanted.only))
    if one.objtype == "group" and "members" not in one.attributes.faults:
        values.setdefault("members", "")
    return Listed(
        one.objtype, one.name, [(key, values[key]) for key in sorted(values) if values[key] or key == "members"]
    )


def unlisted(one: Definition, only: Sequence[str] = ()) -> list[DefinitionError]:
    """Return why attributes cannot be computed: those in `only`, else all."""
    faults = one.attributes.faults
    return [error for key, error in faults.items() if not only or {key, key.partition(".")[0]} & {*only}]


def with_defaults(values: Values, defaults: Mapping[str, str], *, annotate: bool = False) -> Values:
    """Return a node's attributes with the scripts that every node runs before its own."""
    whole = dict(values)
    for key, gap in zip(_SCRIPTS, ("     ", "       "), strict=True):
        if every := defaults.get(key):
            alone = f"{every}{gap}(Table:postscripts - Key:node - Column:{key})" if annotate else every
            whole[key] = f"{every},{whole[key]}" if whole.get(key) else alone
    return whole


def check_only(objtype: str, only: Iterable[str]) -> tuple[list[str], list[DefinitionError]]:
    """Return the names that are attributes of a type, and an error for each name that is not."""
    right: list[str] = []
    wrong: list[DefinitionError] = []
    for key in only:
        try:
            attribute_of(objtype, key)
        except DefinitionError as error:
            wrong.append(error)
        else:
            right.append(key)
    return right, wrong


def _chosen(one: Definition, values: Mapping[str, str], only: Sequence[str]) -> list[tuple[str, str]]:
    chosen: dict[str, str] = {}
    for key in only:
        known = attributes_of(one.objtype).get(key)
        if known is not None and known.keyed:
            chosen |= {name: value for name, value in values.items() if name.startswith(f"{key}.") and value}
        elif key in one.attributes.faults:
            continue
        elif key in values or (one.objtype not in OPEN_TYPES and "." not in key):
            chosen[key] = values.get(key, "")
    return sorted(chosen.items())


def _fitting(objtype: str, printed: Values, held: Mapping[str, str]) -> Values:
    """Leave out attributes whose condition does not hold, such as bmcpassword of a node without mgt=ipmi."""
    needs = _needs(objtype)
    if needs.keys().isdisjoint(printed) or objtype == "group":
        return printed
    return {
        key: value
        for key, value in printed.items()
        if key not in needs or any(one in needs[key][1] for one in held.get(needs[key][0], "").split(","))
    }


@functools.cache
def _needs(objtype: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {name: one.needs for name, one in attributes_of(objtype).items() if one.needs is not None}


def _annotated(one: Definition, values: Values) -> Values:
    from sbkernel.definitions.xcattables.columns import location

    annotated = {}
    for key, value in values.items():
        # Members come from the nodes; no table has them as they are shown.
        counted = (one.objtype, key) == ("group", "members")
        place = None if counted else location(one.objtype, key, one.attributes.sound)
        gap = "" if place is None or place.key == "node" else " "
        where = f"\t(Table:{place.table} - Key:{gap}{place.key} - Column:{place.column})" if place else ""
        annotated[key] = f"{value}{where}"
    return annotated


def short(objects: Iterable[Listed], *, all_types: bool) -> Iterator[str]:
    """Yield `NAME  (type)`. As in xCAT, there is one blank in listings of all types, else two."""
    gap = " " if all_types else "  "
    return (f"{one.name}{gap}({one.objtype})" for one in objects)


def long(objects: Iterable[Listed], *, with_type: bool = False) -> Iterator[str]:
    """Yield a header and one indented line for each attribute."""
    for one in objects:
        yield f"Object name: {one.name}" + (f"  ({one.objtype})" if with_type else "")
        yield from (f"    {key}={value}" for key, value in one.values)


def compressed(objects: Iterable[Listed]) -> Iterator[str]:
    """Yield lines such as `NAME: attr=value`, for tools that group by what comes before the colon."""
    for one in objects:
        for key, value in one.values:
            # xCAT prints the members of a group as in a long listing.
            is_list = (one.objtype, key) == ("group", "members")
            yield f"    {key}={value}" if is_list else f"{one.name}: {key}={value}"


def stanzas(objects: Iterable[Listed], *, names_only: bool = False) -> Iterator[str]:
    """Yield the lines of a stanza file. Secrets are ***; mkdef and chdef then keep what is stored."""
    yield TITLE
    for one in objects:
        yield from ("", f"{one.name}:")
        if not names_only:
            yield f"    objtype={one.objtype}"
            yield from (line_of(key, value) for key, value in one.values)


def attribute_help(objtype: str, only: Sequence[str] = ()) -> Iterator[str]:
    """Yield what every attribute of a type means: `lsdef -t TYPE -h`."""
    if not only:
        yield f"The valid attribute names for object type '{objtype}' are:"
    yield "Attribute          Description"
    for name in sorted(only or attributes_of(objtype)):
        attribute = attribute_of(objtype, name)
        yield ""
        yield f"{name}:{_tabs(name)}{attribute.text}"
        yield from (f"\t\t{line}" for line in _details(attribute))


def _tabs(name: str) -> str:
    return "\t\t" if len(name) < 7 else "\t"


def _details(attribute: Attribute) -> Iterator[str]:
    if attribute.values:
        yield f"Values: {' '.join(attribute.values)}"
    if attribute.default:
        yield f"Default: {attribute.default}"
    if attribute.needs:
        other, values = attribute.needs
        yield f"Needs {other}={' or '.join(values)}"
    if attribute.netboot:
        yield str(attribute.netboot)
