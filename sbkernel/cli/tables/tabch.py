"""xCAT's tabch: the same as chtab, with other messages."""

from __future__ import annotations

from sbkernel.cli.options import flag
from sbkernel.cli.tables import tabwords
from sbkernel.cli.tables.tables import refused, said, table_verb
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.site import Site

_USAGE = """Usage:
 To add or change rows of tables:
   tabch KEY=VALUE[,KEY=VALUE...] TABLE.COLUMN=VALUE [TABLE.COLUMN=VALUE...]
   tabch KEY=VALUE[,KEY=VALUE...] TABLE.COLUMN+=VALUE [TABLE.COLUMN+=VALUE...]
 To remove rows from tables:
   tabch -d|--delete KEY=VALUE[,KEY=VALUE...] TABLE [TABLE...]
 To show this or the version:
   tabch [-h|--help|-v|--version]
 The same as chtab, which has examples, with other messages."""
_SEE = ("Check man tabch or tabch -h", "")


def _tabch(site: Site, words: tuple[str, ...], delete: bool) -> int:
    if not words:
        return said(_USAGE)
    if tabwords.is_assignment(words[0]):
        return said("Missing key: KEY=VALUE says which row is meant.", "", *_SEE)
    try:
        keys, assignments = tabwords.keys(words[0]), [] if delete else tabwords.assignments(words[1:])
    except tabwords.WrongWordError as wrong:
        return said(f'Incorrect argument "{wrong}".', "", *_SEE)
    if delete and not words[1:]:
        return said("Missing table name.", "", *_SEE)
    unknown = [table for table in (words[1:] if delete else [one.table for one in assignments]) if table not in TABLES]
    if unknown:
        return said(f"Table {unknown[0]} does not exist.", *([] if delete else [""]))
    if delete:
        tabwords.remove(site, "tabch", keys, words[1:])
        return 0
    empty = tabwords.write(site, "tabch", keys, assignments)
    return refused(*("DB error " for _table in empty), code=4) if empty else 0


command = table_verb("tabch", _USAGE, _tabch, [flag("-d", "--delete", name="delete")], version="tabch :")
