"""The command line of lsdef, mkdef, chdef and rmdef. All four read the same options and names, as in xCAT."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sbkernel import __version__
from sbkernel.cli.definitions.defconflicts import check_options, check_words
from sbkernel.cli.definitions.defmessages import Refusal, complain_of
from sbkernel.cli.definitions.defrequest import OPTIONS, DefinitionRequest
from sbkernel.cli.options import OptionError, parse_options
from sbkernel.cli.verb import Verb, echo
from sbkernel.definitions.attributes import SITE
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

_Work = Callable[[Site, DefinitionRequest], int]


def definition_command(verb: str, work: _Work) -> Verb:
    """Return a verb that does `work` if its options and words are valid."""

    def run(site: str | None, words: Sequence[str]) -> int:
        try:
            return _run(site, verb, words, work)
        except Refusal as refusal:
            return refusal.show()

    return Verb(verb, run)


def _run(where: str | None, verb: str, words: Sequence[str], work: _Work) -> int:
    if not words and verb != "lsdef":
        return _help(DefinitionRequest(verb, ()))
    request = _request(verb, words)
    check_options(request)
    if request.wants_help:
        return _help(request)
    if request.version:
        echo(f"{verb} - Version {__version__}")
        return 0
    check_words(request)
    with Site.open(where) as site:
        return _explained(site, work, request)


def _help(request: DefinitionRequest) -> int:
    from sbkernel.cli.definitions.defusage import attributes_usage, usage

    echo(attributes_usage(request) if request.types else usage(request.verb))
    return 0


def _request(verb: str, words: Sequence[str]) -> DefinitionRequest:
    try:
        given, rest = parse_options([option.option() for option in OPTIONS], words)
    except OptionError as error:
        from sbkernel.cli.definitions.defusage import usage

        raise Refusal(f"Invalid option..\n  {error}", usage=usage(verb)) from None
    return DefinitionRequest(verb, rest, **given)


def _explained(site: Site, work: _Work, request: DefinitionRequest) -> int:
    try:
        return work(site, request)
    except SbkernelError as error:
        complain_of(error)
        return 1


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
