"""What the embedded store adds to the contract: one file, private, that explains itself when it cannot go on."""

import stat
from pathlib import Path

import pytest

from sbkernel.definitions.store.sqlite import SqliteStore
from sbkernel.errors import SbkernelError


@pytest.fixture
def store(tmp_path: Path):
    opened = SqliteStore(tmp_path / "db")
    yield opened
    opened.close()


def put(store: SqliteStore, objtype: str, name: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put(objtype, name, values)


def test_files_are_the_owners_alone(store: SqliteStore, tmp_path: Path) -> None:
    put(store, "passwd", "system", password="secret")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("db*")} == {0o600}


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("this is no database, but long enough to look like one" * 40)
    with pytest.raises(SbkernelError, match="not a database"):
        SqliteStore(tmp_path / "db")


def test_newer_format_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    store._db.execute("PRAGMA user_version = 99")
    with pytest.raises(SbkernelError, match="format 99"):
        SqliteStore(tmp_path / "db")


def test_store_that_is_held_too_long_says_so(tmp_path: Path, monkeypatch) -> None:
    store = SqliteStore(tmp_path / "db")
    monkeypatch.setattr("sbkernel.definitions.store.sqlite.BUSY_TIMEOUT_S", 0.05)
    other = SqliteStore(tmp_path / "db")
    with store.write("test"), pytest.raises(SbkernelError, match="locked"), other.write("test"):
        pass
    put(other, "node", "n1", groups="all")


def test_full_disk_changes_nothing_and_says_so(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    store._db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(SbkernelError, match="full"), store.write("test") as transaction:
        for number in range(5000):
            transaction.put("node", f"x{number}", {"groups": "all"})
    assert store.names("node") == ["n1"]
    put(store, "node", "n1", groups="all,again")
