"""Stores of both kinds: every test that takes `opener` or `store` runs on SQLite and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import postgres_server
import pytest

from sbkernel.definitions.store.postgres import PostgresStore
from sbkernel.definitions.store.sqlite import SqliteStore
from sbkernel.definitions.store.sqlstore import SqlStore

Opener = Callable[[], SqlStore]


@pytest.fixture(scope="session")
def server() -> Iterator[postgres_server.PostgresServer]:
    """A PostgreSQL server for all tests of this directory."""
    with postgres_server.running() as started:
        yield started


@pytest.fixture
def postgres(server: postgres_server.PostgresServer) -> Iterator[postgres_server.PostgresServer]:
    """The server with an empty database."""
    yield server
    server.clear()


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Open the same store, as often as it is called."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "db")
    url = request.getfixturevalue("postgres").url
    return lambda: PostgresStore(url)


@pytest.fixture
def store(opener: Opener) -> Iterator[SqlStore]:
    """An empty store."""
    opened = opener()
    yield opened
    opened.close()
