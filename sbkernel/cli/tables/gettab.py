"""xCAT's gettab: print columns of the first row that has some values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbkernel.cli.options import flag
from sbkernel.cli.tables import tabwords
from sbkernel.cli.tables.tables import REVEAL, printable_row, refused, said, table_verb
from sbkernel.cli.verb import echo
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rows import matching
from sbkernel.definitions.xcattables.rowshape import Row, is_enabled
from sbkernel.site import Site

_USAGE = """Usage: gettab [-H | --with-fieldname] [--reveal] KEY=VALUE[,KEY=VALUE...] TABLE.COLUMN [TABLE.COLUMN...]
       gettab {-v | --version}
       gettab [-? | -h | --help]
Prints columns of the first row that has these values. -H puts the names in front; --reveal shows secrets.
Example: gettab key=domain site.value"""


def _gettab(site: Site, words: tuple[str, ...], labels: bool, reveal: bool) -> int:
    if len(words) < 2:
        return said(_USAGE)
    try:
        keys = tabwords.keys(words[0])
    except tabwords.WrongWordError:
        return said(_USAGE)
    tables = list(dict.fromkeys(word.partition(".")[0] for word in words[1:]))
    for table in tables:
        for key in keys:
            if table not in TABLES or key not in TABLES[table].columns:
                return refused(f"Unknown key {key} to {table}")
    found = {table: _first(site, table, keys, reveal) for table in tables}
    _print(found, words[1:], labels=labels or len(words) > 2)
    return 0


def _first(site: Site, table: str, keys: Mapping[str, str], reveal: bool) -> Row | None:
    row = next((row for row in matching(site.store, table, keys) if is_enabled(row)), None)
    return None if row is None else printable_row(TABLES[table], row, reveal=reveal)


def _print(found: Mapping[str, Row | None], words: Sequence[str], *, labels: bool) -> None:
    for word in words:
        table, _, column = word.partition(".")
        row = found[table]
        if row is None or column not in TABLES[table].columns:
            continue
        value = row.get(column, "")
        if labels:
            echo(f"{word}: {value}")
        elif value not in ("", "0"):
            echo(value)


command = table_verb("gettab", _USAGE, _gettab, [flag("-H", "--with-fieldname", name="labels"), REVEAL])
