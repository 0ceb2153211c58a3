"""A store on SQL tables; what differs between databases is behind Connection.

One row an object, its attributes as JSON; one row a group membership, so that a group of a site with 100,000
nodes is found without reading them; a row a change set and a row an object it changed, written in its transaction;
and a row for each of the last objects that were written, by which others hear of changes.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sbkernel.definitions.store import journal
from sbkernel.definitions.store.interface import Changed, Key, Transaction, Values
from sbkernel.definitions.store.journal import Change, Entry
from sbkernel.definitions.store.transaction import BufferedTransaction

Fill = Callable[[Transaction], None]
REMEMBERED = 20_000
"""How many writes of an object are remembered for those who ask what changed; answers and the file stay small."""


class Connection(Protocol):
    """One connection to a database; parameters of statements are written `?`."""

    each: str
    """A subquery that yields the items of a JSON list."""

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""

    def run(self, sql: str, *values: object) -> None:
        """Execute a statement."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert many rows."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Begin a transaction that waits its turn among all writers; commit it, or roll it back."""

    def close(self) -> None:
        """Close it."""


class SqlTables:
    """The statements."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def load(self, objtype: str, names: Sequence[str]) -> dict[str, str]:
        """Return those of `names` that are objects."""
        return dict(self._among("name, attributes", objtype, names))

    def existing(self, objtype: str, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are objects."""
        return {name for (name,) in self._among("name", objtype, names)}

    def load_all(self, objtype: str) -> dict[str, str]:
        """Return all objects of a type, sorted by name."""
        return dict(self._db.query("SELECT name, attributes FROM object WHERE objtype = ? ORDER BY name", objtype))

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        return [name for (name,) in self._db.query("SELECT name FROM object WHERE objtype = ? ORDER BY name", objtype)]

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        return [node for (node,) in self._db.query("SELECT node FROM member WHERE grp = ? ORDER BY node", group)]

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        return [group for (group,) in self._db.query("SELECT DISTINCT grp FROM member ORDER BY grp")]

    def replace(self, objtype: str, gone: Sequence[str], rows: Sequence[tuple[str, str]]) -> None:
        """Remove objects, then insert (name, attributes)."""
        if gone:
            sql = f"DELETE FROM object WHERE objtype = ? AND name IN ({self._db.each})"  # noqa: S608
            self._db.run(sql, objtype, json.dumps(gone))
        self._db.insert("object", ("objtype", "name", "attributes"), [(objtype, *row) for row in rows])

    def regroup(self, left: Mapping[str, Sequence[str]], joined: Sequence[tuple[str, str]]) -> None:
        """Remove nodes from groups, by group; then insert (group, node)."""
        sql = f"DELETE FROM member WHERE grp = ? AND node IN ({self._db.each})"  # noqa: S608
        for group, nodes in left.items():
            self._db.run(sql, group, json.dumps(nodes))
        self._db.insert("member", ("grp", "node"), joined)

    def log(
        self,
        what: str,
        rows: Sequence[tuple[str, str, str | None, str | None]],
        who: str | None = None,
        t: float | None = None,
    ) -> int:
        """Write one change set: objtype, name, before, after; return its number."""
        sql = "INSERT INTO change_set (t, who, what) VALUES (?, ?, ?) RETURNING id"
        ((change,),) = self._db.query(sql, time.time() if t is None else t, who or journal.user(), what)
        columns = ("change", "objtype", "name", "before", "after")
        self._db.insert("journal", columns, [(change, *row) for row in rows])
        return int(change)

    def changes(self, name: str = "", last: int = 0, number: int = 0) -> list[Change]:
        """Return change sets, oldest first; only of objects called `name`, only the last ones, only this one."""
        of_object = "AND id IN (SELECT change FROM journal WHERE name = ?)" if name else ""
        this = f"AND id = {int(number)}" if number else ""
        limit = f"LIMIT {int(last)}" if last else ""
        sql = (
            "SELECT id, t, who, what, (SELECT count(*) FROM journal WHERE change = id) FROM change_set "  # noqa: S608
            f"WHERE true {of_object} {this} ORDER BY id DESC {limit}"
        )
        return [Change(*row) for row in reversed(self._db.query(sql, *([name] if name else [])))]

    def entries(self, change: int, most: int = 0) -> list[Entry]:
        """Return what a change set did to each object, sorted by type and name; only the first `most`."""
        limit = f"LIMIT {int(most)}" if most else ""
        sql = f"SELECT objtype, name, before, after FROM journal WHERE change = ? ORDER BY objtype, name {limit}"  # noqa: S608
        return [Entry(kind, name, journal.load(a), journal.load(b)) for kind, name, a, b in self._db.query(sql, change)]

    def mark(self, keys: Sequence[Key]) -> None:
        """Say that these objects were written; when they are more than are remembered, that all may have been."""
        if keys:
            # So many new rows push out the row of every revision before them, and that is what says it.
            self._db.insert("revision", ("objtype", "name"), keys[:REMEMBERED])
            self._db.run("DELETE FROM revision WHERE id <= (SELECT max(id) FROM revision) - ?", REMEMBERED)

    def revision(self) -> int:
        """Return the number of the last write."""
        ((last,),) = self._db.query("SELECT max(id) FROM revision")
        return last or 0

    def changed(self, since: int) -> Changed:
        """Return what was written after a revision.

        One statement, so that nothing is removed between two. It asks for the row of `since` as well: while that is
        there, so are all rows after it.
        """
        rows = self._db.query("SELECT id, objtype, name FROM revision WHERE id >= ? ORDER BY id", since)
        if rows and rows[0][0] == since:
            return Changed(rows[-1][0], frozenset((objtype, name) for _, objtype, name in rows[1:]))
        last = rows[-1][0] if rows else self.revision()
        return Changed(last, None if last != since else frozenset())

    def forget(self, until: int) -> None:
        """Remove change sets up to and including a number."""
        self._db.run("DELETE FROM journal WHERE change <= ?", until)
        self._db.run("DELETE FROM change_set WHERE id <= ?", until)

    def _among(self, columns: str, objtype: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
        if len(names) == 1:
            return self._db.query(f"SELECT {columns} FROM object WHERE objtype = ? AND name = ?", objtype, *names)  # noqa: S608
        sql = f"SELECT {columns} FROM object WHERE objtype = ? AND name IN ({self._db.each})"  # noqa: S608
        return self._db.query(sql, objtype, json.dumps(list(names))) if names else []


class SqlStore:
    """A Store on one connection, which all threads of a process share in turn."""

    def __init__(self, connection: Connection) -> None:
        self._lock = threading.RLock()
        self._connection = connection
        self._tables = SqlTables(connection)
        self._open: BufferedTransaction | None = None

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""
        with self._reading() as tables:
            return journal.load(tables.load(objtype, [name]).get(name))

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`."""
        with self._reading() as tables:
            return journal.load_many(tables.load(objtype, names))

    def existing(self, objtype: str, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are objects."""
        with self._reading() as tables:
            return tables.existing(objtype, names)

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""
        with self._reading() as tables:
            return journal.load_many(tables.load_all(objtype))

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        with self._reading() as tables:
            return tables.names(objtype)

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        with self._reading() as tables:
            return tables.members(group)

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        with self._reading() as tables:
            return tables.groups()

    def changes(self, name: str = "", last: int = 0, number: int = 0) -> list[Change]:
        """Return change sets, oldest first; only of objects called `name`, only the last ones, only this one."""
        with self._reading() as tables:
            return tables.changes(name, last, number)

    def entries(self, change: int, most: int = 0) -> list[Entry]:
        """Return what a change set did to each object, sorted by type and name; only the first `most`."""
        with self._reading() as tables:
            return tables.entries(change, most)

    def revision(self) -> int:
        """Return the number of the last write, whoever made it."""
        with self._reading() as tables:
            return tables.revision()

    def changed(self, since: int) -> Changed:
        """Return what was written after a revision."""
        with self._reading() as tables:
            return tables.changed(since)

    @contextlib.contextmanager
    def write(self, what: str) -> Iterator[Transaction]:
        """Begin a transaction that waits its turn among all writers of all processes: one change set."""
        with self._lock:
            if self._open is not None:
                raise RuntimeError(f"a change set within a change set: {what}")
            with self._connection.exclusive(), self._buffered(what) as transaction:
                yield transaction
                transaction.finish()

    def close(self) -> None:
        """Close the connection, when no thread uses it any more."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _buffered(self, what: str) -> Iterator[BufferedTransaction]:
        self._open = BufferedTransaction(self._tables, what)
        try:
            yield self._open
        finally:
            self._open = None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[SqlTables]:
        """Whoever reads within a transaction sees what it wrote."""
        with self._lock:
            if self._open is not None:
                self._open.flush()
            yield self._tables
