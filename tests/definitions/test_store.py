"""Conformance of a store: what every backend has to do."""

import threading
import time

import pytest

from sbkernel.definitions.store.sqlstore import SqlStore
from sbkernel.errors import SbkernelError


def put(store: SqlStore, objtype: str, name: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put(objtype, name, values)


def test_names_sort_by_their_bytes(store: SqlStore) -> None:
    with store.write("test") as transaction:
        transaction.put_many("node", {name: {"groups": f"Z,a,{name}"} for name in ("b", "B", "a-1", "a1", "a_1", "_")})
    assert store.names("node") == list(store.objects("node")) == sorted(store.names("node")) != []
    assert store.groups() == sorted(store.groups())
    assert store.members("a") == sorted(store.members("a"))


def test_values_are_kept_to_the_letter(store: SqlStore) -> None:
    odd = "tab\there\nline \\ 'single' \"double\" ? % %s \\N ü 節"
    put(store, "osimage", "a", usercomment=odd)
    assert store.get("osimage", "a") == {"usercomment": odd}
    put(store, "osimage", "a?%s", usercomment="odd name")
    assert store.existing("osimage", ["a?%s", "a", "b"]) == {"a?%s", "a"}


def test_objects_come_back_as_they_were_put(store: SqlStore) -> None:
    put(store, "osimage", "b", profile="x", usercomment='quotes " and ü')
    put(store, "osimage", "a")
    put(store, "node", "a", groups="all")
    assert store.get("osimage", "b") == {"profile": "x", "usercomment": 'quotes " and ü'}
    assert store.get("osimage", "none") is None
    assert store.names("osimage") == ["a", "b"]
    assert list(store.objects("osimage")) == ["a", "b"]
    assert store.get_many("osimage", ["a", "none"]) == {"a": {}}
    assert store.existing("osimage", ["b", "none"]) == {"b"}


def test_get_many_takes_more_names_than_one_statement_holds(store: SqlStore) -> None:
    with store.write("test") as transaction:
        for number in range(10_001):
            transaction.put("node", f"n{number}", {"groups": "all"})
    assert len(store.get_many("node", [f"n{number}" for number in range(11_000)])) == 10_001


def test_membership_follows_the_nodes(store: SqlStore) -> None:
    put(store, "node", "n2", groups="all,gpu")
    put(store, "node", "n1", groups="all,,all")
    assert (store.members("all"), store.groups()) == (["n1", "n2"], ["all", "gpu"])
    put(store, "node", "n2", groups="all")
    assert store.groups() == ["all"]
    with store.write("test") as transaction:
        transaction.delete("node", "n1")
        assert transaction.members("all") == ["n2"]
    assert store.members("all") == ["n2"]


def test_failed_transaction_leaves_nothing(store: SqlStore) -> None:
    with pytest.raises(RuntimeError), store.write("test") as transaction:
        transaction.put("node", "n1", {"groups": "all"})
        raise RuntimeError
    assert store.get("node", "n1") is None
    assert store.members("all") == []
    assert store.changes() == []
    put(store, "node", "n1", groups="all")


def test_journal_holds_who_what_before_and_after(store: SqlStore) -> None:
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


def test_one_change_set_holds_each_object_once_from_first_to_last(store: SqlStore) -> None:
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


def test_history_of_one_object_and_the_last_of_all(store: SqlStore) -> None:
    for name in ("a", "b", "a", "c"):
        put(store, "osimage", name, usercomment=str(len(store.changes())))
    first, second, third, fourth = (one.id for one in store.changes())
    assert [one.id for one in store.changes("a")] == [first, third]
    assert [one.id for one in store.changes("a", 1)] == [third]
    assert [one.id for one in store.changes(last=2)] == [third, fourth]
    assert second not in [one.id for one in store.changes("c")]


def test_forgotten_changes_are_gone_and_their_numbers_do_not_come_back(store: SqlStore) -> None:
    put(store, "osimage", "a", usercomment="1")
    put(store, "osimage", "a", usercomment="2")
    last = store.changes()[-1].id
    with store.write("tabprune") as transaction:
        transaction.forget(last)
    assert (store.changes(), store.entries(last)) == ([], [])
    put(store, "osimage", "a", usercomment="3")
    assert store.changes()[-1].id > last


def test_reading_within_a_transaction_sees_what_it_wrote(store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    with store.write("test") as transaction:
        transaction.put_many("node", {"n2": {"groups": "all"}, "n1": {"groups": "other"}})
        assert list(transaction.get_many("node", ["n1", "n2", "n3"])) == ["n1", "n2"]
        assert (transaction.names("node"), transaction.groups()) == (["n1", "n2"], ["all", "other"])
        assert transaction.objects("node")["n1"] == {"groups": "other"}
        assert store.members("all") == ["n2"]
        assert store.get("node", "n1") == {"groups": "other"}


def test_what_is_read_is_the_readers_own(store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    with store.write("test") as transaction:
        (transaction.get("node", "n1") or {})["groups"] = "changed"
        transaction.get_many("node", ["n1"])["n1"]["groups"] = "changed"
        assert transaction.get("node", "n1") == {"groups": "all"}
    assert len(store.changes()) == 1


def test_change_set_within_a_change_set_is_refused(store: SqlStore) -> None:
    with store.write("outer") as transaction:
        transaction.put("osimage", "a", {})
        with pytest.raises(RuntimeError, match="inner"), store.write("inner"):
            pass
    assert store.names("osimage") == ["a"]


def test_bytes_that_are_no_utf8_survive_in_values_and_are_refused_in_names(store: SqlStore) -> None:
    put(store, "osimage", "a", usercomment="bad \udcff byte")
    assert store.get("osimage", "a") == {"usercomment": "bad \udcff byte"}
    with pytest.raises(SbkernelError, match="UTF-8"):
        put(store, "osimage", "\udcff")


def test_status_is_kept_but_not_journaled(store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    put(store, "node", "n1", groups="all", status="booted", statustime="now")
    assert (store.get("node", "n1") or {})["status"] == "booted"
    assert len(store.changes()) == 1


def test_threads_share_one_store(store: SqlStore) -> None:
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
