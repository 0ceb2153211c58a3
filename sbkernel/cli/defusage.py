"""The usage of lsdef, mkdef, chdef and rmdef, and what the attributes of a type mean."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.cli.defmessages import complain
from sbkernel.cli.defrequest import OPTIONS, Opt, Request
from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.definitions.objectverbs import show
from sbkernel.errors import DefinitionError

_SUMMARIES = {
    "lsdef": "List definitions of objects.",
    "mkdef": "Make definitions of objects.",
    "chdef": "Change definitions of objects, or make them.",
    "rmdef": "Remove definitions of objects; what was built stays on disk.",
}
_WORDS = {
    "lsdef": "[NAMES]",
    "rmdef": "[NAMES]",
    "mkdef": "[NAMES] [ATTR=VALUE]...",
    "chdef": "[NAMES] [ATTR=VALUE]...",
}


def usage(verb: str) -> str:
    """Return the usage of a verb."""
    options = [option for option in OPTIONS if verb[0] in option.verbs]
    lines = [f"\nUsage: {verb} - {_SUMMARIES[verb]}\n", f"  {verb} [OPTION]... {_WORDS[verb]}\n"]
    lines += [f"  {_spelled(option):<26} {option.text}" for option in options]
    return "\n".join(
        [*lines, "\nTypes of objects:\n", f" {' '.join(TYPES)}\n", f"`{verb} -t TYPE -h` explains attributes.\n"]
    )


def _spelled(option: Opt) -> str:
    flags = ", ".join(word for word in option.declarations if word.startswith("-") and word != "-?")
    return f"{flags} {option.metavar}".rstrip()


def attribute_help(request: Request) -> str:
    """Return what the attributes of the types mean; DefinitionError for an unknown type or attribute."""
    return "\n".join(line for objtype in request.objtypes for line in _help(objtype, request.only))


def _help(objtype: str, only: str) -> Iterator[str]:
    names = [name.partition(".")[0] for name in only.split(",") if name]
    if objtype == "site" and names:
        complain("Warning", "Of site, all attributes are shown.")
        names = []
    known = [name for name in dict.fromkeys(names) if name in attributes_of(objtype)]
    if names and not known:
        raise DefinitionError(f"'{names[0]}' is not a valid attribute name for an object type of '{objtype}'.")
    return show.attribute_help(objtype, known)
