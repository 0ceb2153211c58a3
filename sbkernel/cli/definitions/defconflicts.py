"""Which options and words of lsdef, mkdef, chdef and rmdef exclude each other, checked in the order of xCAT."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sbkernel.cli.definitions.defmessages import NO_NAMES, Refusal
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.definitions.attributes import check_type
from sbkernel.errors import DefinitionError

_NICS = re.compile(r"nic\w+\..*")
_EXAMPLE = "Example of -z usage:\n\t'cat stanzafile | {} -z'"


def check_options(request: DefinitionRequest) -> None:
    """Refuse options that exclude each other, and show the usage."""
    for messages in (*_general(request), *_of_template(request), *_of_verb(request)):
        raise Refusal(*messages, usage=_usage(request))


def check_words(request: DefinitionRequest) -> None:
    """Refuse invalid words, some of them without the usage."""
    if len(request.bare) > 1:
        raise Refusal("noderange can not contain spaces.", usage=_usage(request))
    try:
        values = request.values
    except DefinitionError as error:
        raise Refusal(str(error)) from None
    if request.objtype == "node" and (request.minus or request.plus) and any(map(_NICS.fullmatch, values)):
        raise Refusal("chdef does not support to change the nic related attributes with -m or -p flag.")
    if len(request.objtypes) > 1 and values:
        raise Refusal("Cannot combine multiple types with 'att=val' pairs on the command line.")
    check_types(request)
    _check_names(request)
    if request.only and request.verb != "lsdef":
        raise Refusal("The '-i' option is only valid for the lsdef command.")
    if request.fill and (request.plus or request.minus):
        raise Refusal("Cannot use '-u' with '-p' or '-m'.")


def check_types(request: DefinitionRequest) -> None:
    """Refuse unknown types."""
    for objtype in request.objtypes:
        try:
            check_type(objtype)
        except DefinitionError as error:
            raise Refusal(f"\n{error}") from None


def _check_names(request: DefinitionRequest) -> None:
    if request.everything and request.names:
        raise Refusal("Cannot use '-a' with '-o', a noderange or file input.")
    if request.verb == "lsdef" or request.names or request.objtype == "site":
        return
    if not (request.stanza or (request.verb == "rmdef" and request.everything)):
        shows = bool(request.types) and request.verb in ("chdef", "rmdef")
        raise Refusal(NO_NAMES, usage=_usage(request) if shows else "")


def _general(request: DefinitionRequest) -> Iterator[tuple[str, ...]]:
    verb, only = request.verb, request.only or request.nics
    if request.fill and verb not in ("mkdef", "chdef"):
        yield (f"Option '-u' can not work with {verb}.",)
    if request.cleanup and verb != "rmdef":
        yield (f"Option '-C' can not be used with {verb}.",)
    if request.fill and request.types not in ("", "osimage"):
        yield ("Option '-u' only work for objtype 'osimage'.",)
    if request.xml:
        yield ("The '-x' (XML format) option is not yet implemented.",)
    for both, one, two in (
        (request.only and request.with_osimage, "-i", "--osimage"),
        (request.stanza and request.with_osimage, "-z", "--osimage"),
        (request.everything and request.types, "-a", "-t"),
        (request.is_long and request.is_short, "-l", "-s"),
        (request.nics and request.only, "-i", "--nics"),
        (only and request.is_short, "-i", "-s"),
        (request.plus and request.minus, "-p", "-m"),
    ):
        if both:
            yield (f"The flags '{one}' and '{two}' cannot be used together.",)
    if request.compress and not only:
        yield ("The flags '-c' and '-i' must be used together.",)


def _of_template(request: DefinitionRequest) -> Iterator[tuple[str, ...]]:
    if request.template is None:
        return
    if request.verb not in ("mkdef", "lsdef"):
        yield (f"The option '--template' can not be used with '{request.verb}'.",)
    if request.verb == "mkdef" and not request.template:
        yield ("no object definition template specified for mkdef --template!",)
    if request.verb == "mkdef" and "," in request.template:
        yield ("Only 1 template object definition should be specified for mkdef!",)
    if request.verb == "mkdef" and request.stanza:
        yield ("The file input can not be used with --template option!",)


def _of_verb(request: DefinitionRequest) -> Iterator[tuple[str, ...]]:
    if request.verb == "rmdef":
        yield from _of_rmdef(request)
    if request.verb == "mkdef" and (request.plus or request.minus):
        yield ("The '-p' and '-m' options are not valid for the mkdef command.",)
    if request.verb == "chdef":
        yield from _of_chdef(request)
    if request.verb in ("mkdef", "chdef"):
        if request.types and (request.everything or request.stanza):
            yield ("Cannot combine '-t' and '-a', '-z', or '-x' options.",)
        if request.stanza and request.names:
            yield ("Cannot use '-z' with '-o' or a noderange.", _EXAMPLE.format(request.verb))


def _of_rmdef(request: DefinitionRequest) -> Iterator[tuple[str, ...]]:
    if any(
        (request.dynamic, request.only, request.is_long, request.minus, request.plus, request.where, request.stanza)
    ) or request.is_short:  # fmt: skip
        yield ("Invalid flag specified, see rmdef manpage for details.",)
    if request.everything and not request.force:
        yield ("You must use the '-f' option when using the '-a' option.",)


def _of_chdef(request: DefinitionRequest) -> Iterator[tuple[str, ...]]:
    if request.force:
        yield ("The '-f' option is not valid for the chdef command.",)
    if not request.rename:
        return
    try:
        from sbkernel.definitions.validate import check_name

        check_name(request.objtype, request.rename)
    except DefinitionError:
        please = 'Please refer to "man xcatdb" for the valid "xCAT Object Name Format" '
        yield (f"The new object name '{request.rename}' is not valid.{please}",)
    if request.dynamic or request.plus or request.minus or request.stanza or request.where:
        yield ("Cannot combine '-n' and '-d','-p','-m','-z','-w' options.",)
    if "," in request.names:
        yield ("The '-n' option (changing object name) can only work on one object.",)


def _usage(request: DefinitionRequest) -> str:
    from sbkernel.cli.definitions.defusage import usage

    return usage(request.verb)
