"""xCAT's tabprune: remove the oldest records of a log, or all rows of a table."""

from __future__ import annotations

import time

from sbkernel.cli.options import ANY_NUMBER, Option, flag
from sbkernel.cli.tables.tables import printable_row, refused, said, table_verb
from sbkernel.cli.verb import echo
from sbkernel.definitions.store.journal import Change
from sbkernel.definitions.xcattables import csvtext
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rowedit import delete
from sbkernel.definitions.xcattables.rows import located, rows
from sbkernel.definitions.xcattables.rowshape import Row
from sbkernel.site import Site

_USAGE = """Usage: tabprune TABLE [-V] -a
       tabprune eventlog|auditlog [-V] -n RECORDS
       tabprune eventlog|auditlog [-V] -i RECID
       tabprune eventlog|auditlog [-V] -p PERCENT
       tabprune eventlog|auditlog [-V] -d DAYS
       tabprune {-v | --version}
       tabprune [-? | -h | --help]
Removes all rows (-a), the oldest RECORDS (-n), those before RECID (-i), the oldest PERCENT (-p), or those older than
DAYS (-d). -V prints as CSV what is removed. auditlog is the journal: what is removed from it cannot be undone."""
_LOGS = ("auditlog", "eventlog")
_DAY_S = 86400


def _tabprune(site: Site, words: tuple[str, ...], verbose: bool, everything: bool, **options: int | None) -> int:
    if len(words) > 1:
        return said(_USAGE)
    given = {name: value for name, value in options.items() if value is not None}
    if not words:
        return said("Table name required.")
    if not given and not everything:
        return said("One option -p or -i or -n or -a or -d must be supplied.")
    if len(given) + everything > 1:
        return said("Only one option -p or -i or -n or -a maybe used at a time.")
    if words[0] not in _LOGS and not everything:
        return said(f"Table {words[0]} not supported, see tabprune -h for supported tables.")
    if words[0] not in TABLES:
        return refused(f"Unable to open  {words[0]}", code=5)
    if words[0] == "site":
        return refused("the settings of the site cannot be pruned: chtab -d key=KEY site removes one")
    return _prune(site, words[0], given, verbose)


def _prune(site: Site, name: str, given: dict[str, int], verbose: bool) -> int:
    removed = _prune_log(site, name, given) if name in _LOGS else _remove_all(site, name)
    if name in _LOGS and removed is None:
        echo(f"Nothing to prune from {name}.")
    if verbose:
        table = TABLES[name]
        said(*csvtext.render(table.columns, (printable_row(table, row, reveal=False) for row in removed or [])))
    else:
        echo(f"tabprune of {name} complete.")
    return 0


def _remove_all(site: Site, name: str) -> list[Row]:
    with site.store.write(f"tabprune {name}") as transaction:
        found = list(located(transaction, name))
        delete(transaction, name, *found)
    return [one.row for one in found]


def _prune_log(site: Site, name: str, given: dict[str, int]) -> list[Row] | None:
    """Remove records of a log and return them; None if it has none."""
    changes = site.store.changes() if name == "auditlog" else []
    if not changes:
        return None
    before = _first_kept(changes, given)
    removed = [row for row in rows(site.store, name) if int(row["recid"]) < before]
    with site.store.write(f"tabprune {name}") as transaction:
        transaction.forget(before - 1)
    return removed


def _first_kept(changes: list[Change], given: dict[str, int]) -> int:
    """Return the number of the first record that stays."""
    first, last = changes[0].id, changes[-1].id
    if "recid" in given:
        return given["recid"]
    if "number" in given:
        return first + given["number"]
    if "percent" in given:
        return first + (last - first + 1) * given["percent"] // 100
    if "days" in given:
        oldest = time.time() - given["days"] * _DAY_S
        return next((change.id for change in changes if change.t >= oldest), last + 1)
    return last + 1


command = table_verb(
    "tabprune",
    _USAGE,
    _tabprune,
    [
        flag("-V", "--verbose", name="verbose"),
        flag("-a", "--all", name="everything"),
        Option(("-n", "--number"), "number", "NUMBER", numbers=ANY_NUMBER),
        Option(("-i", "--recid"), "recid", "NUMBER", numbers=ANY_NUMBER),
        Option(("-p", "--percent"), "percent", "NUMBER", numbers=range(101)),
        Option(("-d", "--days"), "days", "NUMBER", numbers=ANY_NUMBER),
    ],
)
