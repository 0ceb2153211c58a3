"""Conformance of a store: what any backend has to do; and what SQLite's adds."""

import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from sbkernel.definitions.sqlite import SqliteStore
from sbkernel.errors import SbkernelError


@pytest.fixture
def store(tmp_path: Path):
    opened = SqliteStore(tmp_path / "db")
    yield opened
    opened.close()


def put(store: SqliteStore, objtype: str, name: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put(objtype, name, values)


def test_objects_come_back_as_they_were_put(store: SqliteStore) -> None:
    put(store, "osimage", "b", profile="x", usercomment='quotes " and ü')
    put(store, "osimage", "a")
    put(store, "node", "a", groups="all")
    assert store.get("osimage", "b") == {"profile": "x", "usercomment": 'quotes " and ü'}
    assert store.get("osimage", "none") is None
    assert store.names("osimage") == ["a", "b"]
    assert list(store.objects("osimage")) == ["a", "b"]
    assert store.get_many("osimage", ["a", "none"]) == {"a": {}}
    assert store.existing("osimage", ["b", "none"]) == {"b"}


def test_get_many_takes_more_names_than_one_statement_holds(store: SqliteStore) -> None:
    with store.write("test") as transaction:
        for number in range(10_001):
            transaction.put("node", f"n{number}", {"groups": "all"})
    assert len(store.get_many("node", [f"n{number}" for number in range(11_000)])) == 10_001


def test_membership_follows_the_nodes(store: SqliteStore) -> None:
    put(store, "node", "n2", groups="all,gpu")
    put(store, "node", "n1", groups="all,,all")
    assert (store.members("all"), store.groups()) == (["n1", "n2"], ["all", "gpu"])
    put(store, "node", "n2", groups="all")
    assert store.groups() == ["all"]
    with store.write("test") as transaction:
        transaction.delete("node", "n1")
        assert transaction.members("all") == ["n2"]
    assert store.members("all") == ["n2"]


def test_failed_transaction_leaves_nothing(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError), store.write("test") as transaction:
        transaction.put("node", "n1", {"groups": "all"})
        raise RuntimeError
    assert store.get("node", "n1") is None
    assert store.members("all") == []
    assert store.journal() == []
    put(store, "node", "n1", groups="all")


def test_journal_holds_who_what_before_and_after(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    put(store, "node", "n1", groups="all", mgt="ipmi")
    put(store, "node", "n1", groups="all", mgt="ipmi")
    with store.write("rmdef") as transaction:
        transaction.delete("node", "n1")
    rows = store.journal()
    assert [row[3] for row in rows] == ["test", "test", "rmdef"]
    assert all(row[2] for row in rows)
    assert [(row[6] and json.loads(row[6]), row[7] and json.loads(row[7])) for row in rows] == [
        (None, {"groups": "all"}),
        ({"groups": "all"}, {"groups": "all", "mgt": "ipmi"}),
        ({"groups": "all", "mgt": "ipmi"}, None),
    ]


def test_status_is_kept_but_not_journaled(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    put(store, "node", "n1", groups="all", status="booted", statustime="now")
    assert (store.get("node", "n1") or {})["status"] == "booted"
    assert len(store.journal()) == 1


def _append(path: str, worker: int, count: int) -> None:
    store = SqliteStore(Path(path))
    for number in range(count):
        with store.write("test") as transaction:
            values = transaction.get("node", "shared") or {"usercomment": ""}
            transaction.put("node", "shared", {"usercomment": f"{values['usercomment']},{worker}-{number}"})
    store.close()


def test_writers_of_many_processes_take_turns(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    path = str(tmp_path / "db")
    workers = [context.Process(target=_append, args=(path, number, 15)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    written = (SqliteStore(tmp_path / "db").get("node", "shared") or {})["usercomment"].strip(",").split(",")
    assert len(set(written)) == len(written) == 90


def test_threads_share_one_store(store: SqliteStore) -> None:
    def work(number: int) -> None:
        for step in range(20):
            put(store, "node", f"n{number}", groups="all", usercomment=str(step))
            assert store.get("node", f"n{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.members("all")) == 6


def _write_and_wait(path: str, inside) -> None:
    with SqliteStore(Path(path)).write("test") as transaction:
        transaction.put("node", "half", {"groups": "all"})
        inside.set()
        signal.pause()


def test_killed_writer_neither_leaves_a_half_nor_a_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    inside = context.Event()
    worker = context.Process(target=_write_and_wait, args=(str(tmp_path / "db"), inside))
    worker.start()
    assert inside.wait(30)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    store = SqliteStore(tmp_path / "db")
    assert store.get("node", "half") is None
    put(store, "node", "whole", groups="all")
    assert store.members("all") == ["whole"]


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
    monkeypatch.setattr("sbkernel.definitions.sqlite.BUSY_TIMEOUT_S", 0.05)
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
