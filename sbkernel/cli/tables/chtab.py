"""xCAT's chtab: change, add or remove rows of tables."""

from __future__ import annotations

from sbkernel.cli.options import flag
from sbkernel.cli.tables import tabwords
from sbkernel.cli.tables.tables import said, table_verb
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.site import Site

_USAGE = """Usage:
 To add or change rows of tables:
   chtab KEY=VALUE[,KEY=VALUE...] TABLE.COLUMN=VALUE [TABLE.COLUMN=VALUE...]
   chtab KEY=VALUE[,KEY=VALUE...] TABLE.COLUMN+=VALUE [TABLE.COLUMN+=VALUE...]
 To remove rows from tables:
   chtab -d|--delete KEY=VALUE[,KEY=VALUE...] TABLE [TABLE...]
 To show this or the version:
   chtab [-h|--help|-v|--version]

   KEY=VALUE            a column and its value, which choose the rows
   TABLE.COLUMN=VALUE   the new value; NULL clears it, += appends to a comma list

 Examples:
   chtab key=domain site.value=cluster.example
   chtab node=n1 nodelist.groups+=rack1
   chtab -d node=n1 ipmi"""


def _chtab(site: Site, words: tuple[str, ...], delete: bool) -> int:
    if not words:
        return said(_USAGE)
    if tabwords.is_assignment(words[0]):
        return said("Missing key: KEY=VALUE says which row is meant.", _USAGE)
    try:
        keys, assignments = tabwords.keys(words[0]), [] if delete else tabwords.assignments(words[1:])
    except tabwords.WrongWordError as wrong:
        return said(f'Incorrect argument "{wrong}".', _USAGE)
    if delete and not words[1:]:
        return said("Missing table name.", _USAGE)
    unknown = [table for table in (words[1:] if delete else [one.table for one in assignments]) if table not in TABLES]
    if unknown:
        return said(f"Table {unknown[0]} does not exist.")
    if delete:
        tabwords.remove(site, "chtab", keys, words[1:])
    else:
        tabwords.write(site, "chtab", keys, assignments)
    return 0


command = table_verb("chtab", _USAGE, _chtab, [flag("-d", "--delete", "-delete", name="delete")], version="chtab ")
