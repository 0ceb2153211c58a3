"""How lsdef shows definitions, byte for byte as xCAT does. Pure: what is shown in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sbkernel.definitions.attribute import Attribute
from sbkernel.definitions.attributes import attribute_of, attributes_of
from sbkernel.definitions.stanza import TITLE
from sbkernel.definitions.stanza import attribute as line_of


class Shown(NamedTuple):
    """An object with the attributes that a listing shows of it, in order; secrets are hidden already."""

    objtype: str
    name: str
    values: Sequence[tuple[str, str]] = ()


def short(objects: Iterable[Shown], *, all_types: bool) -> Iterator[str]:
    """Yield `NAME  (type)`; xCAT has one blank before the type in listings of all types, else two."""
    gap = " " if all_types else "  "
    return (f"{one.name}{gap}({one.objtype})" for one in objects)


def long(objects: Iterable[Shown], *, with_type: bool = False) -> Iterator[str]:
    """Yield a header and one indented line an attribute."""
    for one in objects:
        yield f"Object name: {one.name}" + (f"  ({one.objtype})" if with_type else "")
        yield from (f"    {key}={value}" for key, value in one.values)


def compressed(objects: Iterable[Shown]) -> Iterator[str]:
    """Yield `NAME: attr=value` a line, for tools that group by what comes before the colon."""
    for one in objects:
        for key, value in one.values:
            # xCAT leaves the members of a group as they are in a long listing.
            is_list = (one.objtype, key) == ("group", "members")
            yield f"    {key}={value}" if is_list else f"{one.name}: {key}={value}"


def stanzas(objects: Iterable[Shown], *, names_only: bool = False) -> Iterator[str]:
    """Yield the lines of a stanza file; secrets are ***, which mkdef and chdef take as what is stored."""
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
