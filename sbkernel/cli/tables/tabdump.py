"""xCAT's tabdump: print a table as CSV, or what tables and columns mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sbkernel.cli.answers import frame, give
from sbkernel.cli.options import ANY_NUMBER, FILE, Option, flag
from sbkernel.cli.tables.tables import REVEAL, printable_row, refused, said, table_verb
from sbkernel.cli.verb import echo
from sbkernel.definitions.xcattables import csvtext, meanings
from sbkernel.definitions.xcattables.columns import TABLES, Table, table_of
from sbkernel.definitions.xcattables.rows import conditions, rows
from sbkernel.definitions.xcattables.rowshape import Row, is_enabled
from sbkernel.files import write_whole
from sbkernel.site import Site

_USAGE = """Usage: tabdump [TABLE]
       tabdump [-d] [TABLE]
       tabdump [--reveal] [-f FILE] TABLE
       tabdump [--reveal] [-w 'COLUMN==VALUE']... TABLE
       tabdump -n RECORDS auditlog|eventlog
       tabdump {-v | --version}
       tabdump [-? | -h | --help]
Without a TABLE the names of all tables. -d explains the columns of a table, or all tables. -n shows the last records.
-w has the operators == != =~ !~ > >= < <=; =~ and !~ compare as LIKE in SQL does, where % stands for any text.
Example: tabdump -w 'node==n1' ipmi"""
_LOGS = ("auditlog", "eventlog")


def _tabdump(
    site: Site, words: tuple[str, ...], describe: bool, file: str | None, where: tuple[str, ...], last: int | None,
    reveal: bool,
) -> int:  # fmt: skip
    if len(words) > 1:
        return said(_USAGE)
    name = "".join(words)
    if describe:
        return _describe(name)
    if last is not None:
        return _last(site, name or _LOGS[0], last)
    if not name:
        return refused("table name missing from the command input. ") if file else said(*TABLES, code=0)
    table = table_of(name)
    found = _rows(site, table, where, reveal)
    if not file and give(lambda: frame({name: row.get(name, "") for name in table.columns} for row in found)):
        return 0
    lines = csvtext.render(table.columns, found)
    return _print(lines, file, 0o600 if reveal else 0o644)


def _describe(name: str) -> int:
    if name and name not in TABLES:
        return refused(f"table {name} does not exist.")
    texts = meanings.of_columns(TABLES[name]) if name else meanings.of_tables()
    echo("\n\n".join(f"{key}:{_gap(key)}{text}" for key, text in texts.items()))
    return 0


def _gap(name: str) -> str:
    return "\t\t" if len(name) < 7 else "\t"


def _last(site: Site, name: str, last: int) -> int:
    if name not in _LOGS:
        return refused(f"-n works only for {' and '.join(_LOGS)}")
    found = list(rows(site.store, name))
    if not found:
        return said(f"Nothing to display from {name}.", code=0)
    return said(*csvtext.render(TABLES[name].columns, found[-last:] if last > 0 else []), code=0)


def _rows(site: Site, table: Table, where: tuple[str, ...], reveal: bool) -> Iterator[Row]:
    wanted = conditions(where, table)
    for row in rows(site.store, table.name):
        if not wanted or (is_enabled(row) and all(one.holds(row) for one in wanted)):
            yield printable_row(table, row, reveal=reveal)


def _print(lines: Iterator[str], file: str | None, mode: int) -> int:
    text = "".join(f"{line}\n" for line in lines)
    if file is None:
        echo(text, nl=False)
    else:
        write_whole(Path(file), text, mode=mode, durable=True)
    return 0


command = table_verb(
    "tabdump",
    _USAGE,
    _tabdump,
    [
        flag("-d", name="describe"),
        Option(("-f",), "file", FILE),
        Option(("-w",), "where", "CONDITION", many=True),
        Option(("-n",), "last", "NUMBER", numbers=ANY_NUMBER),
        REVEAL,
    ],
)
