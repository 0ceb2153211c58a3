"""xCAT's tabgrep: name the tables that have a row for a node or for one of its groups."""

from __future__ import annotations

from sbkernel.cli.tables.tables import said, table_verb
from sbkernel.cli.verb import echo
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rows import rows_of
from sbkernel.errors import NotFoundError
from sbkernel.site import Site

_USAGE = """Usage: tabgrep NODE
       tabgrep [-? | -h | --help]
Names the tables that have a row for the node or for one of its groups. Of a noderange the first node counts."""


def _tabgrep(site: Site, words: tuple[str, ...]) -> int:
    if not words:
        return said(_USAGE)
    try:
        nodes = site.noderange(words[0])
    except NotFoundError as error:
        echo(f"Error: {error.message}", err=True)
        return 1
    if nodes:
        groups = (site.store.get("node", nodes[0]) or {}).get("groups", "").split(",")
        tables = rows_of(site.store, [nodes[0], *filter(None, groups)])
        said(*(table for table in TABLES if table in tables))
    return 0


command = table_verb("tabgrep", _USAGE, _tabgrep, help_status=1)
