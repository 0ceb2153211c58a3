"""The store on a PostgreSQL server, for sites with more than one management node.

Everything is in the schema `sbkernel` of one database: a database a site. Writers take their turn by an advisory
lock, readers wait for nobody. psycopg is imported here only, and this module only when $SBKERNEL_DB is set.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from sbkernel.definitions.store import dburl
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.definitions.store.sqlstore import Fill, SqlStore
from sbkernel.errors import NotFoundError, SbkernelError

VERSION = 3
CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 60
_TURN = 5_325_011  # the number of our advisory lock; any, but always this one
# Names sort by their bytes, as in SQLite.
_SCHEMA = """
CREATE SCHEMA sbkernel;
CREATE TABLE format (version integer NOT NULL);
CREATE TABLE object (objtype text NOT NULL, name text COLLATE "C" NOT NULL, attributes text NOT NULL,
                     PRIMARY KEY (objtype, name));
CREATE TABLE member (grp text COLLATE "C" NOT NULL, node text COLLATE "C" NOT NULL, PRIMARY KEY (grp, node));
CREATE TABLE change_set (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t double precision NOT NULL,
                         who text NOT NULL, what text NOT NULL);
CREATE TABLE journal (change bigint NOT NULL, objtype text NOT NULL, name text COLLATE "C" NOT NULL,
                      before text, after text);
CREATE INDEX journal_of_change ON journal (change);
CREATE INDEX journal_of_name ON journal (name);
"""
_REVISIONS = """
CREATE TABLE revision (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, objtype text NOT NULL,
                       name text COLLATE "C" NOT NULL)
"""


class PostgresStore(SqlStore):
    """Definitions in a PostgreSQL database. `fill` writes the first objects when it has none."""

    def __init__(self, url: str, fill: Fill | None = None, *, create: bool = True) -> None:
        self._url = url
        super().__init__(PostgresConnection(url))
        self._set_up(fill, create)

    def _set_up(self, fill: Fill | None, create: bool) -> None:
        if not self._exists():
            if not create:
                raise NotFoundError(f"the database of ${SERVER_VARIABLE} holds no site")
            with self._connection.exclusive():
                self._make(fill)
        if self._version() == 2:
            with self._connection.exclusive():
                self._to_format_3()
        if (found := self._version()) != VERSION:
            raise SbkernelError(
                f"the database of ${SERVER_VARIABLE}: format {found} is not {VERSION}; it was made by another version",
                hint="Update this program: a newer one has changed the site.",
            )

    def _exists(self) -> bool:
        # to_regclass may answer from a cache that has not heard of what another process just made.
        sql = "SELECT 1 FROM pg_tables WHERE schemaname = 'sbkernel' AND tablename = 'format'"
        return bool(self._connection.query(sql))

    def _version(self) -> int:
        ((found,),) = self._connection.query("SELECT version FROM format")
        return int(found)

    def _to_format_3(self) -> None:
        """Add what says what changed; whoever waited for another process finds it done."""
        if self._version() == 2:
            self._connection.run(_REVISIONS)
            self._connection.run("UPDATE format SET version = 3")

    def _make(self, fill: Fill | None) -> None:
        """Make the tables; whoever waited for another process finds them."""
        if self._exists():
            return
        for statement in (_SCHEMA + _REVISIONS).strip().split(";"):
            self._connection.run(statement)
        self._connection.run("INSERT INTO format VALUES (?)", VERSION)
        if fill is not None:
            with self._buffered("new site") as transaction:
                fill(transaction)
                transaction.finish()


class PostgresConnection:
    """One connection to a server, made again when the server was restarted between two statements."""

    each = "SELECT json_array_elements_text(?::json)"

    def __init__(self, url: str) -> None:
        self._url = dburl.checked(url)
        self._inside = False
        self._db = self._connect()

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with self._explained():
            return self._execute(sql, values).fetchall()

    def run(self, sql: str, *values: object) -> None:
        """Execute a statement."""
        with self._explained():
            self._execute(sql, values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert many rows."""
        if not rows:
            return
        sql = f"COPY {table} ({','.join(columns)}) FROM STDIN"
        with self._explained(), self._db.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Begin a transaction that waits its turn among all writers; commit it, or roll it back."""
        self.run("BEGIN")
        self._inside = True
        try:
            self.query("SELECT pg_advisory_xact_lock(?)", _TURN)
            yield
            self.run("COMMIT")
        except BaseException:
            # A connection that is gone has rolled back by itself.
            with contextlib.suppress(psycopg.Error):
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._inside = False

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _execute(self, sql: str, values: Sequence[object]) -> psycopg.Cursor[Any]:
        statement = sql.replace("?", "%s").encode()
        try:
            return self._db.execute(statement, values)
        except psycopg.OperationalError:
            if self._inside or not self._db.closed:
                raise
            self._db = self._connect()
            return self._db.execute(statement, values)

    def _connect(self) -> psycopg.Connection[Any]:
        with self._explained():
            db = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, fallback_application_name="sbkernel"
            )
            db.execute("SET search_path = sbkernel")
            db.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'".encode())
            db.execute("SET client_encoding = 'UTF8'")
            return db

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the database into ours, without values: the server repeats rows in the details of errors."""
        try:
            yield
        except psycopg.ProgrammingError as error:
            if error.diag.message_primary is None:
                raise SbkernelError(f"${SERVER_VARIABLE} is not understood", hint=dburl.HINT) from None
            raise self._error(error, "May this user create a schema, and read and write it?") from None
        except psycopg.OperationalError as error:
            raise self._error(error, "Does the server run, and may you log in? psql with the same URL tells.") from None
        except psycopg.Error as error:
            raise self._error(error, None) from None
        except UnicodeEncodeError as error:
            raise SbkernelError(f"a name holds bytes that are no UTF-8: {error.object!r}") from None

    def _error(self, error: psycopg.Error, hint: str | None) -> SbkernelError:
        text = dburl.redacted(self._url, error.diag.message_primary or str(error)).strip()
        return SbkernelError(f"definitions cannot be read or written: {text}", hint=hint)
