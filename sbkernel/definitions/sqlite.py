"""The embedded store: one SQLite file, safe under many processes and threads.

One row an object, its attributes as JSON; one row a group membership, so that a group of a site with 100,000
nodes is found without reading them; and a journal written in the transaction of the change. The file holds
secrets and is 0600 from its first byte on; SQLite gives its -wal and -shm files the same mode.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.store import Transaction, Values
from sbkernel.errors import SbkernelError

VERSION = 1
BUSY_TIMEOUT_S = 60.0
_CHUNK = 10_000  # SQLite takes 32766 parameters (SQLITE_MAX_VARIABLE_NUMBER)
_SCHEMA = """
CREATE TABLE object (objtype TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL,
                     PRIMARY KEY (objtype, name)) WITHOUT ROWID;
CREATE TABLE member (grp TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (grp, node)) WITHOUT ROWID;
CREATE INDEX member_of_node ON member (node);
CREATE TABLE journal (id INTEGER PRIMARY KEY, t REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
                      objtype TEXT NOT NULL, name TEXT NOT NULL, before TEXT, after TEXT);
"""


class SqliteStore:
    """Definitions in one SQLite file. `fill` writes the first objects when the file is new."""

    def __init__(self, path: Path, fill: Callable[[Transaction], None] | None = None) -> None:
        self._lock = threading.RLock()
        self._db = _connect(path)
        with _explained():
            _set_up(self._db, path, fill)

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""
        with self._lock, _explained():
            return _get(self._db, objtype, name)

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`."""
        return {name: json.loads(text) for name, text in self._among("name, attributes", objtype, names)}

    def existing(self, objtype: str, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are objects."""
        return {name for (name,) in self._among("name", objtype, names)}

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""
        rows = self._rows("SELECT name, attributes FROM object WHERE objtype = ? ORDER BY name", objtype)
        return {name: json.loads(text) for name, text in rows}

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        return [row[0] for row in self._rows("SELECT name FROM object WHERE objtype = ? ORDER BY name", objtype)]

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        with self._lock, _explained():
            return _members(self._db, group)

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        return [row[0] for row in self._rows("SELECT DISTINCT grp FROM member ORDER BY grp")]

    def journal(self) -> list[tuple[Any, ...]]:
        """Return the journal, oldest first: id, t, who, what, objtype, name, before, after (JSON or None)."""
        return self._rows("SELECT id, t, who, what, objtype, name, before, after FROM journal ORDER BY id")

    @contextlib.contextmanager
    def write(self, what: str) -> Iterator[Transaction]:
        """Begin a transaction that waits its turn among all writers of all processes."""
        with self._lock, _explained(), _immediate(self._db):
            yield _Transaction(self._db, what)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _among(self, columns: str, objtype: str, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(names), _CHUNK):
            part = names[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            sql = f"SELECT {columns} FROM object WHERE objtype = ? AND name IN ({marks})"  # noqa: S608
            yield from self._rows(sql, objtype, *part)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, _explained():
            return self._db.execute(sql, values).fetchall()


class _Transaction:
    """The writing side; exists only inside SqliteStore.write."""

    def __init__(self, db: sqlite3.Connection, what: str) -> None:
        self._db = db
        self._what = what

    def get(self, objtype: str, name: str) -> Values | None:
        return _get(self._db, objtype, name)

    def members(self, group: str) -> list[str]:
        return _members(self._db, group)

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        before = self.get(objtype, name)
        after = dict(sorted(values.items()))
        if before == after:
            return
        row = (objtype, name, _dump(after))
        self._db.execute("INSERT OR REPLACE INTO object (objtype, name, attributes) VALUES (?, ?, ?)", row)
        self._log(objtype, name, before, after)
        if objtype == "node" and (before or {}).get("groups") != after.get("groups"):
            self._join(name, after.get("groups", ""))

    def delete(self, objtype: str, name: str) -> None:
        before = self.get(objtype, name)
        if before is None:
            return
        self._db.execute("DELETE FROM object WHERE objtype = ? AND name = ?", (objtype, name))
        self._log(objtype, name, before, None)
        if objtype == "node":
            self._join(name, "")

    def _join(self, node: str, groups: str) -> None:
        self._db.execute("DELETE FROM member WHERE node = ?", (node,))
        names = {group for group in groups.split(",") if group}
        self._db.executemany("INSERT INTO member (grp, node) VALUES (?, ?)", [(group, node) for group in names])

    def _log(self, objtype: str, name: str, before: Values | None, after: Values | None) -> None:
        if before is not None and after is not None and _only_volatile(objtype, before, after):
            return
        row = (time.time(), _who(), self._what, objtype, name, _dump(before), _dump(after))
        sql = "INSERT INTO journal (t, who, what, objtype, name, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._db.execute(sql, row)


def _connect(path: Path) -> sqlite3.Connection:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        raise SbkernelError(f"{path}: {error}", hint="Is it a site, and may you read and write it?") from None
    return db


def _set_up(db: sqlite3.Connection, path: Path, fill: Callable[[Transaction], None] | None) -> None:
    if _version(db) == 0:
        _use_wal(db)
        with _immediate(db):
            if _version(db) == 0:
                _create(db, fill)
    if _version(db) != VERSION:
        raise SbkernelError(f"{path}: format {_version(db)} is not {VERSION}; it was made by another version")


def _create(db: sqlite3.Connection, fill: Callable[[Transaction], None] | None) -> None:
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    if fill is not None:
        fill(_Transaction(db, "new site"))
    db.execute(f"PRAGMA user_version = {VERSION}")


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
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        hint = "Is the disk full, the site read-only, or another program holding it for long?"
        raise SbkernelError(f"definitions cannot be read or written: {error}", hint=hint) from error


@contextlib.contextmanager
def _immediate(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _get(db: sqlite3.Connection, objtype: str, name: str) -> Values | None:
    sql = "SELECT attributes FROM object WHERE objtype = ? AND name = ?"
    row = db.execute(sql, (objtype, name)).fetchone()
    return None if row is None else json.loads(row[0])


def _members(db: sqlite3.Connection, group: str) -> list[str]:
    return [row[0] for row in db.execute("SELECT node FROM member WHERE grp = ? ORDER BY node", (group,))]


def _dump(values: Values | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _only_volatile(objtype: str, before: Values, after: Values) -> bool:
    table = attributes_of(objtype)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return all(key in table and table[key].volatile for key in changed)


def _who() -> str:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return os.environ.get("SUDO_USER") or user
