"""Which objects a call of lsdef, mkdef, chdef or rmdef is about."""

from __future__ import annotations

from sbkernel.cli.defrequest import DefinitionRequest
from sbkernel.definitions.newsite import SITE
from sbkernel.errors import DefinitionError
from sbkernel.site import Site


def comma(text: str) -> list[str]:
    """Return the items of a list with commas."""
    return [item for item in text.split(",") if item]


def names_of(site: Site, request: DefinitionRequest, objtype: str) -> list[str]:
    """Return the names that a call is about, even of objects that do not exist; a group of nodes gives its members."""
    text = request.names
    if objtype == "site":
        return sorted({SITE, *comma(text)})
    # -o without -t is taken literally, but lsdef always has a type.
    if objtype != "node" or (request.objects and not request.types and request.verb != "lsdef"):
        return comma(text)
    from sbkernel.definitions.ranges.noderange import names
    from sbkernel.definitions.ranges.universe import NodeUniverse

    found = names(text, NodeUniverse(site.store))
    if not found:
        raise DefinitionError(f"No node in '{text}', check the noderange syntax.")
    return found
