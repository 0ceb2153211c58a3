"""Conformance of a store: what any backend has to do; and what SQLite's adds."""

import multiprocessing
import os
import signal
import threading
import time
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
    assert store.changes() == []
    put(store, "node", "n1", groups="all")


def test_journal_holds_who_what_before_and_after(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    put(store, "node", "n1", groups="all", mgt="ipmi")
    put(store, "node", "n1", groups="all", mgt="ipmi")
    with store.write("rmdef") as transaction:
        transaction.delete("node", "n1")
    changes = store.changes()
    assert [(one.what, one.objects) for one in changes] == [("test", 1), ("test", 1), ("rmdef", 1)]
    assert all(one.who and abs(one.t - time.time()) < 60 for one in changes)
    assert [store.entries(one.id) for one in changes] == [
        [("node", "n1", None, {"groups": "all"})],
        [("node", "n1", {"groups": "all"}, {"groups": "all", "mgt": "ipmi"})],
        [("node", "n1", {"groups": "all", "mgt": "ipmi"}, None)],
    ]


def test_one_change_set_holds_each_object_once_from_first_to_last(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    with store.write("test") as transaction:
        for number in range(3):
            transaction.put("node", "n1", {"groups": f"g{number}"})
            assert transaction.members(f"g{number}") == ["n1"]
        transaction.put("node", "n2", {"groups": "all"})
        transaction.put("node", "gone", {"groups": "all"})
        transaction.delete("node", "gone")
    assert store.entries(store.changes()[-1].id) == [
        ("node", "n1", {"groups": "all"}, {"groups": "g2"}),
        ("node", "n2", None, {"groups": "all"}),
    ]
    assert (store.groups(), store.get("node", "gone")) == (["all", "g2"], None)


def test_history_of_one_object_and_the_last_of_all(store: SqliteStore) -> None:
    for name in ("a", "b", "a", "c"):
        put(store, "osimage", name, usercomment=str(len(store.changes())))
    first, second, third, fourth = (one.id for one in store.changes())
    assert [one.id for one in store.changes("a")] == [first, third]
    assert [one.id for one in store.changes("a", 1)] == [third]
    assert [one.id for one in store.changes(last=2)] == [third, fourth]
    assert second not in [one.id for one in store.changes("c")]


def test_forgotten_changes_are_gone_and_their_numbers_do_not_come_back(store: SqliteStore) -> None:
    put(store, "osimage", "a", usercomment="1")
    put(store, "osimage", "a", usercomment="2")
    last = store.changes()[-1].id
    with store.write("tabprune") as transaction:
        transaction.forget(last)
    assert (store.changes(), store.entries(last)) == ([], [])
    put(store, "osimage", "a", usercomment="3")
    assert store.changes()[-1].id > last


def test_reading_within_a_transaction_sees_what_it_wrote(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    with store.write("test") as transaction:
        transaction.put_many("node", {"n2": {"groups": "all"}, "n1": {"groups": "other"}})
        assert list(transaction.get_many("node", ["n1", "n2", "n3"])) == ["n1", "n2"]
        assert (transaction.names("node"), transaction.groups()) == (["n1", "n2"], ["all", "other"])
        assert transaction.objects("node")["n1"] == {"groups": "other"}
        assert store.members("all") == ["n2"]
        assert store.get("node", "n1") == {"groups": "other"}


def test_what_is_read_is_the_readers_own(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    with store.write("test") as transaction:
        (transaction.get("node", "n1") or {})["groups"] = "changed"
        transaction.get_many("node", ["n1"])["n1"]["groups"] = "changed"
        assert transaction.get("node", "n1") == {"groups": "all"}
    assert len(store.changes()) == 1


def test_change_set_within_a_change_set_is_refused(store: SqliteStore) -> None:
    with store.write("outer") as transaction:
        transaction.put("osimage", "a", {})
        with pytest.raises(RuntimeError, match="inner"), store.write("inner"):
            pass
    assert store.names("osimage") == ["a"]


def test_bytes_that_are_no_utf8_survive_in_values_and_are_refused_in_names(store: SqliteStore) -> None:
    put(store, "osimage", "a", usercomment="bad \udcff byte")
    assert store.get("osimage", "a") == {"usercomment": "bad \udcff byte"}
    with pytest.raises(SbkernelError, match="UTF-8"):
        put(store, "osimage", "\udcff")


def test_status_is_kept_but_not_journaled(store: SqliteStore) -> None:
    put(store, "node", "n1", groups="all")
    put(store, "node", "n1", groups="all", status="booted", statustime="now")
    assert (store.get("node", "n1") or {})["status"] == "booted"
    assert len(store.changes()) == 1


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
