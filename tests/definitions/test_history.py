"""Undo puts back what a change set changed, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.definitions.editing.overview import before_and_after
from sbkernel.definitions.store.history import plan, undo
from sbkernel.definitions.store.journal import Entry
from sbkernel.definitions.store.sqlite import SqliteStore
from sbkernel.definitions.store.sqlstore import SqlStore
from sbkernel.errors import DefinitionError, NotFoundError


def put(store: SqlStore, name: str, **values: str) -> int:
    with store.write("test") as transaction:
        transaction.put("node", name, values)
    return transaction.change or 0


def test_the_last_change_goes_back_and_comes_again(store: SqlStore) -> None:
    put(store, "n1", groups="all", mgt="ipmi")
    put(store, "n1", groups="gpu")
    undo(store)
    assert (store.get("node", "n1"), store.members("all")) == ({"groups": "all", "mgt": "ipmi"}, ["n1"])
    undo(store)
    assert (store.get("node", "n1"), store.members("all")) == ({"groups": "gpu"}, [])
    assert [one.what for one in store.changes()] == ["test", "test", "undo 2", "undo 3"]


def test_created_objects_go_and_removed_ones_come_back(store: SqlStore) -> None:
    made = put(store, "n1", groups="all")
    with store.write("rmdef") as transaction:
        transaction.delete("node", "n1")
    undo(store)
    assert store.members("all") == ["n1"]
    undo(store, made)
    assert (store.names("node"), store.members("all")) == ([], [])


def test_status_is_no_reason_to_refuse_and_stays(store: SqlStore) -> None:
    put(store, "n1", groups="all")
    change = put(store, "n1", groups="all", mgt="ipmi")
    put(store, "n1", groups="all", mgt="ipmi", status="booted")
    undo(store, change)
    assert store.get("node", "n1") == {"groups": "all", "status": "booted"}


def test_objects_changed_since_are_named_and_nothing_is_undone(store: SqlStore) -> None:
    with store.write("mkdef") as transaction:
        for number in range(8):
            transaction.put("node", f"n{number}", {"groups": "all"})
    for number in range(7):
        put(store, f"n{number}", groups="all", arch="x86_64")
    with pytest.raises(DefinitionError, match="n0, node n1, node n2, node n3, node n4 and 2 more changed since"):
        undo(store, 1)
    assert len(store.names("node")) == 8


def test_force_takes_back_only_what_the_change_set_changed(store: SqlStore) -> None:
    put(store, "n1", groups="all", mgt="ipmi")
    change = put(store, "n1", groups="all", mgt="openbmc", arch="x86_64")
    put(store, "n1", groups="all", mgt="kvm", arch="x86_64", os="debian12")
    undo(store, change, force=True)
    assert store.get("node", "n1") == {"groups": "all", "mgt": "ipmi", "os": "debian12"}
    with store.write("rmdef") as transaction:
        transaction.delete("node", "n1")
    undo(store, change, force=True)
    assert store.get("node", "n1") == {"groups": "all", "mgt": "ipmi"}


def test_plan_changes_nothing(store: SqlStore) -> None:
    put(store, "n1", groups="all")
    assert plan(store).entries == [Entry("node", "n1", {"groups": "all"}, None)]
    assert (store.names("node"), len(store.changes())) == (["n1"], 1)


def test_nothing_to_undo(store: SqlStore) -> None:
    with pytest.raises(NotFoundError, match="nothing has been changed"):
        undo(store)
    with pytest.raises(NotFoundError, match="no change 7"):
        undo(store, 7)


def test_the_site_itself_cannot_be_undone(store: SqlStore) -> None:
    with store.write("new site") as transaction:
        transaction.put("site", "clustersite", {"httpport": "8080"})
    with pytest.raises(DefinitionError, match="change 1 made the site"):
        undo(store, force=True)


def test_diff_hides_secrets(store: SqlStore) -> None:
    entries = [
        Entry("node", "n1", {"groups": "all", "bmcpassword": "old"}, {"groups": "all", "bmcpassword": "new"}),
        Entry("passwd", "system", None, {"password": "new"}),
        Entry("node", "n2", {"groups": "all"}, None),
    ]
    assert list(before_and_after(entries)) == [
        "node n1", "  - bmcpassword=***", "  + bmcpassword=***",
        "passwd system (new)", "  + password=***",
        "node n2 (removed)", "  - groups=all",
    ]  # fmt: skip
    assert "  + password=new" in list(before_and_after(entries, reveal=True))


_VALUES = st.none() | st.dictionaries(st.sampled_from(["groups", "mgt", "arch"]), st.sampled_from(["a", "b"]))
_CHANGES = st.lists(st.dictionaries(st.sampled_from(["n1", "n2"]), _VALUES, min_size=1), min_size=1, max_size=6)


@given(_CHANGES)
@settings(max_examples=40, deadline=None)
def test_undoing_everything_backwards_leaves_nothing(tmp_path_factory, changes) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("undo") / "db")
    for objects in changes:
        with store.write("test") as transaction:
            for name, values in objects.items():
                transaction.put("node", name, values) if values is not None else transaction.delete("node", name)
    for change in reversed(store.changes()):
        undo(store, change.id)
    assert (store.names("node"), store.groups()) == ([], [])
    store.close()
