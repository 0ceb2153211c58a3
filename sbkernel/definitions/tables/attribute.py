"""What one entry of the attribute table says; the entries themselves are data, in tables/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Attribute(NamedTuple):
    """One attribute of one object type; xCAT names throughout (xcatdb(5), "man xcatdb")."""

    name: str
    text: str
    values: tuple[str, ...] = ()
    """Legal values; empty: any."""
    default: str = ""
    """What holds when it is unset; for help only, never stored."""
    needs: tuple[str, tuple[str, ...]] | None = None
    """Legal only while that attribute has one of these values (xCAT's only_if)."""
    pattern: str = ""
    """Regular expression that the whole value must match; empty: any."""
    form: str = ""
    """One of addresses.FORMS, which the value has to have; empty: any."""
    secret: bool = False
    """Printed as ***."""
    volatile: bool = False
    """Written by the running system; changes of it are not journaled."""
    keyed: bool = False
    """Holds one value a key, written `nicips.eth0=...`."""
    literal: bool = False
    """Never computed from a node's name: `/srv/tftp/` is a directory here, and no `/regex/text/`."""
    column: str = ""
    """`table.column` that shows it in xCAT's tables; empty: none, it is ours alone."""
    instead: tuple[str, dict[str, str]] | None = None
    """Another attribute, and by its value the column in which xCAT keeps this one instead."""

    @property
    def is_comment(self) -> bool:
        """Say whether it holds any text; what only looks like an expression is text there."""
        return self.column.endswith(".comments")

    @property
    def places(self) -> tuple[str, ...]:
        """Return every `table.column` in which it can lie."""
        others = self.instead[1].values() if self.instead else ()
        return tuple(dict.fromkeys(place for place in (self.column, *others) if place))


def stored(table: str, *attributes: Attribute) -> Iterator[Attribute]:
    """Yield attributes with the column in which `table` has them: of their own name, or the one that they name."""
    for attribute in attributes:
        column = attribute.column or attribute.name
        yield attribute if "." in column else attribute._replace(column=f"{table}.{column}")


def is_expression(value: str) -> bool:
    """Say whether a value is computed from the node's name."""
    mark = value[:1]
    if mark == "|":
        return len(value) > 1 and value[-1] == "|"
    return mark == "/" and value[-1] == "/" and value.count("/") == 3
