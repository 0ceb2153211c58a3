"""xCAT's lsdef: list definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from sbkernel.cli.defs import comma, complain, definition_verb, found, types_of, words
from sbkernel.definitions import select, show
from sbkernel.definitions.attributes import TYPES, attribute_of
from sbkernel.definitions.definition import Definition
from sbkernel.site import Site

_IN_ALL = tuple(objtype for objtype in TYPES if objtype != "passwd")


class Options(NamedTuple):
    """The options of one call."""

    types: str | None
    objects: str | None
    all_types: bool
    is_long: bool
    is_short: bool
    only: str | None
    compress: bool
    stanza: bool
    hidden: bool
    where: tuple[str, ...]


@click.command("lsdef", add_help_option=False)
@click.option("-a", "--all", "all_types", is_flag=True, help="All objects of all types; passwords are left out.")
@click.option("-l", "--long", "is_long", is_flag=True, help="All attributes.")
@click.option("-s", "--short", "is_short", is_flag=True, help="Names only.")
@click.option("-i", "only", metavar="ATTRS", help="Only these attributes, a comma list.")
@click.option("-c", "--compress", is_flag=True, help="One attribute a line, after the name; needs -i.")
@click.option("-z", "--stanza", is_flag=True, help="As a stanza file, for mkdef -z.")
@click.option("-S", "hidden", is_flag=True, help="Hidden nodes too.")
@click.option("-w", "where", multiple=True, metavar="ATTR==VALUE", help="Only objects of which it holds: == != =~ !~")
@click.option("-o", "objects", metavar="NAMES", help="Names of objects, or a noderange.")
@click.argument("arguments", nargs=-1, metavar="[NAMES]")
@definition_verb
def command(site: Site, arguments: tuple[str, ...], **given: Any) -> int:
    """List definitions: names, or all attributes when objects are named."""
    name = words(arguments, given.pop("objects")).name
    options = Options(objects=name, **given)
    _check(options)
    definitions, missing = _find(site, list(_IN_ALL) if options.all_types else types_of(options.types), name)
    _print(_chosen(definitions, options), options)
    return int(missing)


def _check(options: Options) -> None:
    pairs = (
        (options.all_types and options.types, "-a' with '-t"),
        (options.all_types and options.objects, "-a' with '-o"),
        (options.is_long and options.is_short, "-l' with '-s"),
        (options.only and options.is_short, "-i' with '-s"),
    )
    for both, text in pairs:
        if both:
            raise click.UsageError(f"Cannot use '{text}'.")
    if options.compress and not options.only:
        raise click.UsageError("Cannot use '-c' without '-i'.")


def _find(site: Site, types: Sequence[str], name: str) -> tuple[list[Definition], bool]:
    """Return the named objects, all of them when none is named, and whether a name does not exist."""
    definitions: list[Definition] = []
    missing = False
    for objtype in types:
        collection = site.all_of(objtype)
        names, absent = found(site, objtype, name) if name else (list(collection), [])
        definitions += collection.many(names).values()
        for one in absent:
            complain("Error", f"Could not find an object named '{one}' of type '{objtype}'.")
        missing = missing or bool(absent)
    return definitions, missing


def _chosen(definitions: Sequence[Definition], options: Options) -> list[Definition]:
    conditions = select.parse(options.where)
    return [
        one
        for one in definitions
        if select.holds(conditions, one.attributes)
        and (options.hidden or one.objtype != "node" or one.get("hidden") != "1")
    ]


def _print(definitions: Sequence[Definition], options: Options) -> None:
    if not definitions:
        found_none = "No object definitions have been found"
        empty = "Could not find any object definitions to display."
        click.echo(found_none if options.objects or options.where else empty)
        return
    only = _only(definitions, options)
    text = show.stanzas(definitions, only) if options.stanza else _text(_lines(definitions, only, options))
    click.echo(text, nl=False)


def _only(definitions: Sequence[Definition], options: Options) -> list[str]:
    for objtype in {one.objtype for one in definitions}:
        for key in comma(options.only):
            attribute_of(objtype, key)
    return comma(options.only)


def _lines(definitions: Sequence[Definition], only: Sequence[str], options: Options) -> Iterator[str]:
    if options.compress:
        return show.compressed(definitions, only)
    if options.is_short or not (options.objects or only or options.is_long):
        return show.short(definitions, all_types=options.all_types)
    return show.long(definitions, only, with_type=options.all_types or len(types_of(options.types)) > 1)


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
