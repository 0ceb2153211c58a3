"""What an addkcmdline adds to the kernel command line of a node: filled in, without what is for others. Pure.

xCAT (xnba.pm, man linuximage): `!myipfn!` is the address of the server, `#NODEATTRIB:TABLE:COLUMN#` and
`#TABLE:TABLE:THISNODE:COLUMN#` what a table says of the node, and words after `R::` are for installed systems alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.xcattables.columns import TABLES, place, value_in
from sbkernel.definitions.xcattables.rowshape import is_secret_cell
from sbkernel.errors import NodeError, NotFoundError

INSTALLED = "R::"
_PLACEHOLDER = re.compile(
    r"#(?:NODEATTRIB:(?P<table>[^:#]+)|TABLE:(?P<other>[^:#]+):(?P<key>[^:#]+)):(?P<column>[^:#]+)#"
)
_THIS_NODE = ("THISNODE", "$NODE")

Lookup = Callable[[str, str, str], str]
"""Return what a table says in the row with a key (KEY or COLUMN=KEY), in a column; "" when it says nothing."""


def added(node: Definition, definition: Definition, host: str, lookup: Lookup, attribute: str = "addkcmdline") -> str:
    """Return the words that a node, an osimage or a boottarget adds for a node; `host` is the address of the server.

    Raises NodeError for a column that there is not, holds a secret or has no value for the node.
    """
    asked = definition.get(attribute)
    if not asked:
        return ""
    where = f"{attribute} of {definition.objtype} {definition.name}"
    words = (word for word in asked.split() if not word.startswith(INSTALLED))
    text = " ".join(words).replace("!myipfn!", host)
    return _PLACEHOLDER.sub(lambda match: _filled(node, match, where, lookup), text)


def _filled(node: Definition, match: re.Match[str], where: str, lookup: Lookup) -> str:
    table, key, column = match["table"] or match["other"], match["key"] or _THIS_NODE[0], match["column"]
    try:
        objtype, attribute = place(table, column)
    except NotFoundError as error:
        raise NodeError(node.name, f"{where} holds {match[0]}: {error.message}") from None
    if is_secret_cell(TABLES[table], column):
        raise NodeError(node.name, f"{where} holds {match[0]}, which is a secret: command lines are no place for it")
    ours = key in _THIS_NODE
    if ours and objtype != "node":
        raise NodeError(node.name, f"{where} holds {match[0]}: table {table} has no rows of nodes")
    value = _own(node, attribute, f"{table}.{column}") if ours else lookup(table, key, column)
    if not value:
        raise NodeError(node.name, f"{where} holds {match[0]}, which has no value", hint=f"sb tabdump {table}")
    return value


def _own(node: Definition, attribute: str, column: str) -> str:
    return node.name if attribute == "node" else value_in("node", column, node.attributes)
