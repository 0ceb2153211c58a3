"""One entry of the attribute table. The entries are in the other files of tables/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

ROOT_KINDS = ("ram", "tmpfs", "zram", "lazy", "disk")
"""The kinds of root of a node, of an osimage or over it of a node; the first is the usual one."""


class Use(NamedTuple):
    """What becomes of an attribute when a stateless image is built, packed or booted."""

    kind: Literal["honoured", "refused", "note"]
    verb: str
    """The verb that honours or refuses it; empty for a note."""
    text: str
    """What the verb makes of it, why it refuses it, or what it is kept for."""
    instead: str = ""
    """What to do instead of what is refused."""
    accepts: Sequence[str] = ()
    """Values that are not refused, since they ask for what is done anyway."""

    def __str__(self) -> str:
        """Return it as a sentence or two."""
        if self.kind == "note":
            return f"Kept as a note: {self.text}."
        but = f" (but for {', '.join(self.accepts)})" if self.accepts else ""
        instead = f" Instead: {self.instead}." if self.instead else ""
        return f"{self.kind.capitalize()} by {self.verb}{but}: {self.text}.{instead}"

    def refuses(self, value: str) -> bool:
        """Tell whether a value is refused: one item of the comma list that is not accepted is enough."""
        return self.kind == "refused" and any(word.strip() not in ("", *self.accepts) for word in value.split(","))


def honoured(verb: str, text: str) -> Use:
    """Return the use of an attribute that a verb honours."""
    return Use("honoured", verb, text)


def refused(verb: str, text: str, instead: str = "", *, accepts: Sequence[str] = ()) -> Use:
    """Return the use of an attribute whose values a verb refuses, but for those that it accepts."""
    return Use("refused", verb, text, instead, accepts)


def noted(text: str) -> Use:
    """Return the use of an attribute that describes, and asks for nothing."""
    return Use("note", "", text)


class Attribute(NamedTuple):
    """One attribute of one object type. All names are xCAT's (man xcatdb)."""

    name: str
    text: str
    values: tuple[str, ...] = ()
    """Legal values; empty: any."""
    default: str = ""
    """What applies if it is unset. For help only; it is never stored."""
    needs: tuple[str, tuple[str, ...]] | None = None
    """Legal only while that attribute has one of these values (xCAT: only_if)."""
    pattern: str = ""
    """A regular expression that the whole value must match; empty: any."""
    form: str = ""
    """The form of the value, one of addresses.FORMS; empty: any."""
    secret: bool = False
    """Printed as ***."""
    volatile: bool = False
    """Written by the running system. Its changes are not in the journal."""
    keyed: bool = False
    """Has one value for each key, written `nicips.eth0=...`."""
    is_path: bool = False
    """Holds paths: `/srv/tftp/` is a directory here, not `/regex/text/`."""
    column: str = ""
    """The `table.column` that shows it in xCAT's tables; empty: none, the attribute is ours."""
    instead: tuple[str, dict[str, str]] | None = None
    """Another attribute, and for its values the column in which xCAT keeps this one instead."""
    netboot: Use | None = None
    """What becomes of it with stateless images and the nodes that boot them; None: they have nothing to do with it."""

    def computes(self, value: str) -> bool:
        """Tell whether a value of a node or a group is computed from the node's name."""
        return is_expression(value) and not (self.is_path and value.startswith("/"))

    @property
    def is_comment(self) -> bool:
        """Tell whether it is a comment, in which something that looks like an expression may be plain text."""
        return self.column.endswith(".comments")

    @property
    def places(self) -> tuple[str, ...]:
        """Return every `table.column` that can show it."""
        others = self.instead[1].values() if self.instead else ()
        return tuple(dict.fromkeys(place for place in (self.column, *others) if place))


def stored(table: str, *attributes: Attribute) -> Iterator[Attribute]:
    """Yield attributes with their column in `table`: the one that they name, or the one of the same name."""
    for attribute in attributes:
        column = attribute.column or attribute.name
        yield attribute if "." in column else attribute._replace(column=f"{table}.{column}")


def is_expression(value: str) -> bool:
    """Tell whether a value has the form of an expression, computed from a node's name."""
    mark = value[:1]
    if mark == "|":
        return len(value) > 1 and value[-1] == "|"
    return mark == "/" and value[-1] == "/" and value.count("/") == 3
