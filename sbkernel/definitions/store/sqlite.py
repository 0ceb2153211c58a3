"""The embedded store: one SQLite file, safe under many processes and threads.

The file holds secrets and is 0600 from its first byte on; SQLite gives its -wal and -shm files the same mode.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sbkernel.definitions.store.sqlstore import Fill, SqlStore, SqlTables
from sbkernel.errors import SbkernelError

VERSION = 4
BUSY_TIMEOUT_S = 60.0
_CACHE_KIB = 64 << 10
"""Memory for pages: with the usual 2 MB, a change of 10,000 nodes writes each page several times."""
_OBJECT = """
CREATE TABLE object (objtype TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, PRIMARY KEY (objtype, name))
"""
_MEMBER = """
CREATE TABLE member (grp TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (grp, node)) WITHOUT ROWID;
"""
_JOURNAL = """
CREATE TABLE change_set (id INTEGER PRIMARY KEY AUTOINCREMENT, t REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE journal (change INTEGER NOT NULL, objtype TEXT NOT NULL, name TEXT NOT NULL, before TEXT, after TEXT);
CREATE INDEX journal_of_change ON journal (change);
CREATE INDEX journal_of_name ON journal (name);
"""
_REVISIONS = "CREATE TABLE revision (id INTEGER PRIMARY KEY, objtype TEXT NOT NULL, name TEXT NOT NULL)"


class SqliteStore(SqlStore):
    """Definitions in one SQLite file. `fill` writes the first objects when the file is new."""

    def __init__(self, path: Path, fill: Fill | None = None) -> None:
        self._db = _connect(path)
        super().__init__(SqliteConnection(self._db))
        with explained():
            self._set_up(path, fill)

    def _set_up(self, path: Path, fill: Fill | None) -> None:
        if _version(self._db) < VERSION:
            _use_wal(self._db)
            with self._connection.exclusive():
                self._make(fill)
        if _version(self._db) != VERSION:
            raise SbkernelError(
                f"{path}: format {_version(self._db)} is not {VERSION}; it was made by another version",
                hint="Update this program: a newer one has changed the site.",
            )

    def _make(self, fill: Fill | None) -> None:
        """Bring the file to the format of today; whoever waited for another process finds it done."""
        found = _version(self._db)
        if found >= VERSION:
            return
        if found < 3:
            self._db.execute(_REVISIONS)
        if found == 0:
            _execute(self._db, f"{_OBJECT};{_MEMBER}{_JOURNAL}")
            self._first(fill, "new site")
            return
        _widen_objects(self._db)
        if found == 1:
            from sbkernel.definitions.store import migration

            _regroup_journal(self._db, self._tables)
            self._first(migration.to_format_2, "site.db of format 1")
        else:
            self._first(None, f"site.db of format {found}")

    def _first(self, fill: Fill | None, what: str) -> None:
        with self._buffered(what) as transaction:
            if fill is not None:
                fill(transaction)
            transaction.finish()
        self._db.execute(f"PRAGMA user_version = {VERSION}")


class SqliteConnection:
    """One connection to a file."""

    each = "SELECT value FROM json_each(?)"

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with explained():
            return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, *values: object) -> None:
        """Execute a statement."""
        with explained():
            self._db.execute(sql, values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert many rows."""
        marks = ",".join("?" * len(columns))
        with explained():
            self._db.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Begin a transaction that waits its turn among all writers; commit it, or roll it back."""
        with explained():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with explained():
                self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _regroup_journal(db: sqlite3.Connection, tables: SqlTables) -> None:
    from sbkernel.definitions.store import migration

    db.execute("ALTER TABLE journal RENAME TO journal_1")
    _execute(db, _JOURNAL)
    rows = db.execute("SELECT t, who, what, objtype, name, before, after FROM journal_1 ORDER BY id")
    for change in migration.change_sets(rows):
        tables.log(change.what, change.rows, change.who, change.t)
    _execute(db, "DROP TABLE journal_1; DROP INDEX IF EXISTS member_of_node")


def _widen_objects(db: sqlite3.Connection) -> None:
    """Put objects into an ordinary table: a table without row ids has a page for each that is longer than 1 KB."""
    db.execute("ALTER TABLE object RENAME TO object_3")
    db.execute(_OBJECT)
    _execute(db, "INSERT INTO object SELECT * FROM object_3; DROP TABLE object_3")


def _execute(db: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        db.execute(statement)


def _connect(path: Path) -> sqlite3.Connection:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA user_version")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except sqlite3.Error as error:
        raise SbkernelError(f"{path}: {error}", hint=_remedy(path)) from None
    return db


def _remedy(path: Path) -> str:
    status = os.statvfs(path.parent)
    if not status.f_bavail:
        return f"There is no space left on the disk of {path.parent}."
    return "Is it a site, and may you read and write it?"


def _use_wal(db: sqlite3.Connection) -> None:
    # SQLite does not wait its busy timeout when two processes switch a new file at once.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn errors of the database into ours."""
    try:
        yield
    except sqlite3.Error as error:
        hint = "Is the disk full, the site read-only, or another program holding it for long?"
        raise SbkernelError(f"definitions cannot be read or written: {error}", hint=hint) from error
    except UnicodeEncodeError as error:
        raise SbkernelError(f"a name holds bytes that are no UTF-8: {error.object!r}") from None


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
