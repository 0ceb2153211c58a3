"""What lsdef, mkdef, chdef and rmdef share: which objects are meant, xCAT's messages, help of attributes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions import show
from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.edit import pairs
from sbkernel.definitions.newsite import SITE
from sbkernel.definitions.noderange import expand
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.stanza import Stanza
from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.site import Site

FAILED = "One or more errors occured when attempting to create or modify xCAT object definitions."
NO_NAMES = "No object names were provided."


class Words(NamedTuple):
    """What stands on the command line beside options: a name or noderange, and attr=value words."""

    name: str
    values: dict[str, str]


def words(arguments: tuple[str, ...], objects: str | None) -> Words:
    """Tell names from attr=value words; two names are an error, as in xCAT."""
    names = [word for word in arguments if "=" not in word]
    if len(names) > 1 or (names and objects):
        raise click.UsageError("noderange can not contain spaces.")
    return Words(objects or "".join(names), pairs([word for word in arguments if "=" in word]))


def definition_verb(function: Callable[..., int]) -> Callable[..., int]:
    """Add -t and -h to a verb that takes the site; `VERB -t TYPE -h` shows what the attributes of a type mean."""

    @click.option("-t", "types", metavar="TYPES", help="Object types, such as osimage; default: node.")
    @click.option("-h", "--help", "wants_help", is_flag=True, help="Show this; with -t TYPE, its attributes.")
    @functools.wraps(function)
    def wrapper(wants_help: bool, types: str | None, **options: Any) -> int:
        if not wants_help:
            return pass_site(function)(types=types, **options)
        context = click.get_current_context()
        click.echo(_help(types, options.get("only")) if types else context.get_help())
        return 0

    return wrapper


def _help(types: str, only: str | None) -> str:
    return "\n".join(line for objtype in types.split(",") for line in show.attribute_help(objtype, comma(only)))


def comma(text: str | None) -> list[str]:
    """Return the items of a comma list."""
    return [item for item in (text or "").split(",") if item]


def types_of(text: str | None) -> list[str]:
    """Return the object types that -t names, node when it is not there; SbkernelError for an unknown one."""
    types = comma(text) or ["node"]
    for objtype in types:
        attributes_of(objtype)
    return types


def found(site: Site, objtype: str, text: str) -> tuple[list[str], list[str]]:
    """Return the names of existing objects that `text` names, and those that do not exist."""
    if objtype == "node":
        return _found_nodes(site, text)
    names = comma(text)
    return [name for name in names if name in site.all_of(objtype)], [
        name for name in names if name not in site.all_of(objtype)
    ]


def _found_nodes(site: Site, text: str) -> tuple[list[str], list[str]]:
    try:
        return site.noderange(text, excluded=True), []
    except NotFoundError:
        names = expand(text)
        return [name for name in names if name in site.nodes], [name for name in names if name not in site.nodes]


def targets(site: Site, objtype: str, text: str) -> list[str]:
    """Return the names that mkdef and chdef work on, whether or not they exist yet."""
    if objtype == "site":
        return [SITE]
    if objtype != "node":
        return comma(text)
    try:
        return site.noderange(text, excluded=True)
    except NotFoundError:
        return expand(text)


def complain(kind: str, text: str) -> None:
    """Print an error or warning as xCAT's clients do: to stderr, with the short name of the server."""
    server = os.uname().nodename.partition(".")[0]
    click.echo(f"{kind}: [{server}]: {text}", err=True)


def complain_of(error: SbkernelError) -> None:
    """Print an error, and below it what to do about it."""
    complain("Error", str(error))


def without_hidden(stanza: Stanza) -> Stanza:
    """Drop secrets that a listing printed as ***; they cannot be read back."""
    dropped = [key for key, value in stanza.values.items() if value == HIDDEN]
    for key in dropped:
        complain("Warning", f"{stanza.name}: {key} is not copied: listings do not show secrets.")
    return stanza._replace(values={key: value for key, value in stanza.values.items() if key not in dropped})
