"""Look up the attribute table."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping

from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.errors import DefinitionError, NotFoundError

# The object types, each with the attribute that xCAT uses as the name (the types of lsdef; passwd is ours).
KEYS = {
    "auditlog": "recid",
    "boottarget": "bprofile",
    "eventlog": "recid",
    "firmware": "cfgfile",
    "group": "groupname",
    "kit": "kitname",
    "kitcomponent": "kitcompname",
    "kitrepo": "kitreponame",
    "monitoring": "name",
    "network": "netname",
    "node": "node",
    "notification": "filename",
    "osdistro": "osdistroname",
    "osdistroupdate": "osupdatename",
    "osimage": "imagename",
    "passwd": "key",
    "pdu": "node",
    "policy": "priority",
    "rack": "rackname",
    "route": "routename",
    "site": "master",
    "taskstate": "node",
    "zone": "zonename",
    "zvmivp": "id",
}
TYPES = tuple(KEYS)
SITE = "clustersite"
"""Name of the one object of type site."""

OPEN_TYPES = ("site",)
"""Types that accept any attribute name."""
# Columns that hold a secret although no attribute says so.
_SECRET_COLUMNS = ("password", "passwd", "sshpassword", "vidpassword", "authkey", "privkey", "community", "tokenid")
# The file in tables/ for a type; all other types are in small.
_FILES = {"group": "node", "node": "node", "osimage": "osimage", "site": "settings"}


def check_type(objtype: str) -> None:
    """Raise DefinitionError if there is no such object type. This does not read the attributes of the type."""
    if objtype not in TYPES:
        raise DefinitionError(f"Type '{objtype}' is not a valid xCAT object type.", hint=near(objtype, TYPES))


@functools.cache
def attributes_of(objtype: str) -> Mapping[str, Attribute]:
    """Return the attributes of an object type by name. A group also has the attributes that it can lend to nodes.

    `table.NAME` is the type of the rows that no object shows, such as table.litefile. Its attributes are the columns.
    """
    if objtype.startswith("table."):
        return _columns_of(objtype.removeprefix("table."))
    check_type(objtype)
    table = {attribute.name: attribute for attribute in _read(objtype)}
    return {**_lent(), **table} if objtype == "group" else table


def _read(objtype: str) -> tuple[Attribute, ...]:
    file = importlib.import_module(f"sbkernel.definitions.tables.{_FILES.get(objtype, 'small')}")
    attributes: tuple[Attribute, ...] = file.ATTRIBUTES[objtype]
    return attributes


def _lent() -> dict[str, Attribute]:
    """Return the node attributes that a group can lend: all except those in nodelist."""
    return {name: one for name, one in attributes_of("node").items() if not one.column.startswith("nodelist.")}


def _columns_of(table: str) -> dict[str, Attribute]:
    from sbkernel.definitions.tables.schema import COLUMNS

    if table not in COLUMNS:
        raise NotFoundError(f"No such table: {table}")
    names = COLUMNS[table].names
    return {name: Attribute(name, "", secret=name in _SECRET_COLUMNS, column=f"{table}.{name}") for name in names}


def attribute_of(objtype: str, name: str) -> Attribute:
    """Return one entry. `nicips.eth0` belongs to nicips. Raises DefinitionError for an unknown name."""
    table = attributes_of(objtype)
    if name in table:
        return table[name]
    keyed = table.get(name.partition(".")[0])
    if keyed is not None and keyed.keyed:
        return keyed
    if objtype in OPEN_TYPES:
        return Attribute(name, "")
    raise DefinitionError(
        f"'{name}' is not a valid attribute name for an object type of '{objtype}'.", hint=near(name, table)
    )


def is_secret(objtype: str, name: str) -> bool:
    """Tell whether a value of this attribute, or of a `table.column` that no attribute shows, is printed as ***."""
    known = attributes_of(objtype).get(name)
    return known.secret if known is not None else name.rpartition(".")[2] in _SECRET_COLUMNS and "." in name


def has_secrets(objtype: str) -> bool:
    """Tell whether objects of a type may hold a secret."""
    return any(attribute.secret for attribute in attributes_of(objtype).values())


def near(name: str, names: Iterable[str]) -> str | None:
    """Return "Did you mean a, b?" for the names that look like it, or None."""
    import difflib

    found = difflib.get_close_matches(name, names, n=3)
    return f"Did you mean {' or '.join(found)}?" if found else None
