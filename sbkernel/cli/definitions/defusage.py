"""The usage of lsdef, mkdef, chdef and rmdef, and the meaning of attributes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.definitions.defrequest import OPTIONS, DefinitionRequest, Opt
from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.definitions.objectverbs import listing
from sbkernel.errors import DefinitionError

_SUMMARIES = {
    "lsdef": "List definitions.",
    "mkdef": "Make definitions.",
    "chdef": "Change definitions, or make them. ATTR= clears an attribute.",
    "rmdef": "Remove definitions. What was built stays on disk.",
}
_WORDS = {
    "lsdef": "[NAMES]",
    "rmdef": "[NAMES]",
    "mkdef": "[NAMES] [ATTR=VALUE]...",
    "chdef": "[NAMES] [ATTR=VALUE]...",
}
_EXAMPLES = {
    "lsdef": ("lsdef -t osimage", "lsdef vn1 -i ip,mac", "lsdef -w mgt==ipmi", "lsdef -t node -z > nodes.stanza"),
    "mkdef": (
        "mkdef n[1-20] groups=all,compute mgt=ipmi",
        "mkdef -t network lan net=10.0.0.0 mask=255.255.255.0 mgtifname=eth1",
        "mkdef -z < nodes.stanza",
    ),
    "chdef": ("chdef n1 ip=10.0.0.1", "chdef -p n[1-9] groups=rack1", "chdef -t site master=10.0.0.254"),
    "rmdef": ("rmdef n[1-20] --dry-run", "rmdef -t osimage mine"),
}
_MORE = {"lsdef": "`sb copycds` defines osimages of other distributions, from discs or a mirror.\n"}
_COLUMN, _WIDTH = 18, 79


def usage(verb: str) -> str:
    """Return the usage of a verb."""
    options = [_described(option) for option in OPTIONS if verb[0] in option.verbs]
    lines = [f"\nUsage: {verb} - {_SUMMARIES[verb]}\n", f"  {verb} [OPTION]... {_WORDS[verb]}\n", *options]
    examples = [f"  {example}" for example in _EXAMPLES[verb]]
    types = textwrap.wrap(" ".join(TYPES), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    more = f"`{verb} -t TYPE -h` explains the attributes of a type.\n{_MORE.get(verb, '')}"
    return "\n".join([*lines, "\nExamples:\n", *examples, "\nTypes of objects:\n", *types, "", more])


def _described(option: Opt) -> str:
    flags = ", ".join(word for word in option.declarations if word.startswith("-") and word != "-?")
    spelled = f"{flags} {option.metavar}".rstrip()
    indent = " " * (_COLUMN + 3)
    return textwrap.fill(option.text, _WIDTH, initial_indent=f"  {spelled:<{_COLUMN}} ", subsequent_indent=indent)


def attributes_usage(request: DefinitionRequest) -> str:
    """Return what the attributes of the types mean. Raises DefinitionError for an unknown type or attribute."""
    return "\n".join(line for objtype in request.objtypes for line in _help(objtype, request.only))


def _help(objtype: str, only: str) -> Iterator[str]:
    names = [name.partition(".")[0] for name in only.split(",") if name]
    if objtype == "site" and names:
        complain("Warning", "For site, all attributes are shown.")
        names = []
    known = [name for name in dict.fromkeys(names) if name in attributes_of(objtype)]
    if names and not known:
        raise DefinitionError(f"'{names[0]}' is not a valid attribute name for an object type of '{objtype}'.")
    return listing.attribute_help(objtype, known)
