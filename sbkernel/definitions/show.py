"""How lsdef shows definitions, byte for byte as xCAT does. Pure: definitions in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sbkernel.definitions.attribute import Attribute
from sbkernel.definitions.attributes import attribute_of, attributes_of
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.newsite import SITE
from sbkernel.definitions.stanza import Stanza, render


def short(definitions: Iterable[Definition], *, all_types: bool) -> Iterator[str]:
    """Yield `NAME  (type)`; xCAT has one blank before the type in listings of all types, else two."""
    gap = " " if all_types else "  "
    return (f"{one.name}{gap}({one.objtype})" for one in definitions)


def long(definitions: Iterable[Definition], only: Sequence[str] = (), *, with_type: bool = False) -> Iterator[str]:
    """Yield a header and one indented line an attribute; `only` shows these, empty ones too."""
    for one in definitions:
        yield f"Object name: {one.name}" + (f"  ({one.objtype})" if with_type else "")
        yield from (f"    {key}={value}" for key, value in _values(one, only))


def compressed(definitions: Iterable[Definition], only: Sequence[str]) -> Iterator[str]:
    """Yield `NAME: attr=value` a line, for tools that group by what comes before the colon."""
    return (f"{one.name}: {key}={value}" for one in definitions for key, value in _values(one, only))


def stanzas(definitions: Iterable[Definition], only: Sequence[str] = ()) -> str:
    """Return the definitions as stanza text; secrets are ***, which mkdef and chdef do not take back."""
    return render(Stanza(one.objtype, one.name, {k: v for k, v in _values(one, only) if v}) for one in definitions)


def _values(one: Definition, only: Sequence[str]) -> Iterator[tuple[str, str]]:
    shown = one.attributes.shown()
    if not only:
        yield from shown.items()
        return
    for key in sorted(set(only)):
        if key not in shown and attribute_of(one.objtype, key).keyed:
            yield from ((name, value) for name, value in shown.items() if name.startswith(f"{key}."))
        elif key in shown or one.name != SITE:
            yield key, shown.get(key, "")


def attribute_help(objtype: str, only: Sequence[str] = ()) -> Iterator[str]:
    """Yield what every attribute of a type means: `lsdef -t TYPE -h`."""
    yield f"The valid attribute names for object type '{objtype}' are:"
    yield ""
    yield "Attribute          Description"
    yield ""
    for attribute in (attribute_of(objtype, key) for key in (only or sorted(attributes_of(objtype)))):
        yield f"{attribute.name + ':':<18} {attribute.text}"
        yield from (f"{'':<18} {line}" for line in _details(attribute))
        yield ""


def _details(attribute: Attribute) -> Iterator[str]:
    if attribute.values:
        yield f"Values: {' '.join(attribute.values)}"
    if attribute.default:
        yield f"Default: {attribute.default}"
    if attribute.needs:
        other, values = attribute.needs
        yield f"Needs {other}={' or '.join(values)}"
