"""Look up the attribute table."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping

from sbkernel.definitions.attribute import Attribute
from sbkernel.errors import DefinitionError

TYPES = ("group", "network", "node", "osimage", "passwd", "site")
OPEN_TYPES = ("site",)
"""Types that take any attribute name."""
_SECRET_COLUMNS = ("password", "sshpassword", "authkey", "privkey")


@functools.cache
def attributes_of(objtype: str) -> Mapping[str, Attribute]:
    """Return the attributes of an object type by name; a group also has every attribute of a node."""
    if objtype not in TYPES:
        raise DefinitionError(f"Type '{objtype}' is not a valid xCAT object type.", hint=near(objtype, TYPES))
    own = importlib.import_module(f"sbkernel.definitions.tables.{objtype}").ATTRIBUTES
    table = {attribute.name: attribute for attribute in own}
    return {**attributes_of("node"), **table} if objtype == "group" else table


def attribute_of(objtype: str, name: str) -> Attribute:
    """Return one entry; `nicips.eth0` is an entry of nicips. An unknown name raises DefinitionError."""
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
    """Say whether a value of this attribute, or of a `table.column` that no attribute shows, is printed as ***."""
    known = attributes_of(objtype).get(name)
    return known.secret if known is not None else name.rpartition(".")[2] in _SECRET_COLUMNS and "." in name


def has_secrets(objtype: str) -> bool:
    """Say whether objects of a type may hold a secret."""
    return any(attribute.secret for attribute in attributes_of(objtype).values())


def near(name: str, names: Iterable[str]) -> str | None:
    """Return "Did you mean a, b?" for the names that look like it, or None."""
    import difflib

    found = difflib.get_close_matches(name, names, n=3)
    return f"Did you mean {' or '.join(found)}?" if found else None
