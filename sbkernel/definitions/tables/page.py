"""The attribute table as a page: `python -m sbkernel.definitions.tables.page > notebooks/docs/attributes.md`."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.tables.attribute import Attribute

_HEAD = """\
# Which attributes do what

For stateless images and the nodes that boot them: every attribute is honoured, or refused by a verb that says why, or
kept as a note because it only describes. What is refused is stored, listed and exported all the same; what genimage
refuses, packimage refuses, too. `lsdef -t TYPE -h` says the same as this page, which is made from the attribute table
(`python -m sbkernel.definitions.tables.page`).

Root's password (`sb passwd system`) and the keys of the site reach a node among its own files, which nodeset writes and
the initrd unpacks. An image holds neither.
"""
_TYPES = {
    "osimage": "Of an osimage",
    "node": "Of a node, or of the group that lends it",
    "site": "Of the site",
}
_REST = "What is not here has nothing to do with stateless images, and is stored for other tools."


def page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_HEAD, *(line for objtype in _TYPES for line in _section(objtype)), _REST, ""])


def _section(objtype: str) -> Iterator[str]:
    yield from (f"## {_TYPES[objtype]}", "", "| Attribute | Meaning | Here |", "|---|---|---|")
    yield from (_row(one) for _, one in sorted(attributes_of(objtype).items()) if one.netboot)
    yield ""


def _row(one: Attribute) -> str:
    return f"| `{one.name}` | {_cell(one.text)} | {_cell(str(one.netboot))} |"


def _cell(text: str) -> str:
    """Return text as it can stand in a cell of a table: words such as <xcatmaster> are not HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
