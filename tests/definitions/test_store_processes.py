"""Many processes on one store: no lost update, no half change, whatever dies."""

import multiprocessing
import os
import signal
import time

from sbkernel.definitions.store.sqlstore import SqlStore

_FORK = multiprocessing.get_context("fork")


def put(store: SqlStore, objtype: str, name: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put(objtype, name, values)


def run_all(workers) -> None:
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0


def append(opener, worker: int, count: int) -> None:
    store = opener()
    for number in range(count):
        with store.write("test") as transaction:
            values = transaction.get("node", "shared") or {"usercomment": ""}
            transaction.put("node", "shared", {"usercomment": f"{values['usercomment']},{worker}-{number}"})
    store.close()


def test_writers_of_many_processes_take_turns(opener) -> None:
    run_all([_FORK.Process(target=append, args=(opener, number, 15)) for number in range(6)])
    store = opener()
    written = (store.get("node", "shared") or {})["usercomment"].strip(",").split(",")
    assert len(set(written)) == len(written) == 90
    assert [one.objects for one in store.changes()] == [1] * 90
    store.close()


def test_many_processes_make_one_store(opener) -> None:
    run_all([_FORK.Process(target=lambda: opener().close()) for _ in range(8)])


def write_and_wait(opener, inside) -> None:
    store = opener()
    with store.write("test") as transaction:
        for number in range(10_000):
            transaction.put("node", f"half{number}", {"groups": "all"})
        transaction.flush()
        inside.set()
        signal.pause()


def test_killed_writer_neither_leaves_a_half_nor_a_lock(opener) -> None:
    inside = _FORK.Event()
    worker = _FORK.Process(target=write_and_wait, args=(opener, inside))
    worker.start()
    assert inside.wait(60)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    store = opener()
    assert (store.names("node"), store.groups(), store.changes()) == ([], [], [])
    put(store, "node", "whole", groups="all")
    assert store.members("all") == ["whole"]
    store.close()


def write_10_000(opener) -> None:
    store = opener()
    with store.write("mkdef") as transaction:
        transaction.put_many("node", {f"n{number}": {"groups": "all"} for number in range(10_000)})
    store.close()


def test_killed_at_any_moment_leaves_all_or_nothing(opener) -> None:
    opener().close()
    began = time.monotonic()
    run_all([_FORK.Process(target=write_10_000, args=(opener,))])
    whole_s = time.monotonic() - began
    for part in (0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0):
        store = opener()
        with store.write("clear") as transaction:
            for name in transaction.names("node"):
                transaction.delete("node", name)
        worker = _FORK.Process(target=write_10_000, args=(opener,))
        worker.start()
        time.sleep(whole_s * part)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        with store.write("wait until the server has noticed"):
            left = len(store.names("node")), len(store.members("all"))
        assert left in ((0, 0), (10_000, 10_000)), part
        store.close()
