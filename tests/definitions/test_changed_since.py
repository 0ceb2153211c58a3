"""What a store says of changes: who asks hears of every write, whoever made it, and reads nothing else."""

import multiprocessing
from pathlib import Path

import pytest

from sbkernel.definitions.store import sqlstore
from sbkernel.definitions.store.sqlite import SqliteStore
from sbkernel.definitions.store.sqlstore import SqlStore
from sbkernel.site import Site


def put(store: SqlStore, objtype: str, *names: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put_many(objtype, dict.fromkeys(names, values))


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A site on each kind of store."""
    if request.param == "postgresql":
        monkeypatch.setenv("SBKERNEL_DB", request.getfixturevalue("postgres").url)
    with Site.open(tmp_path / "site") as opened:
        yield opened


def test_made_changed_and_removed_objects_are_named_once(store: SqlStore) -> None:
    put(store, "node", "n1", "n2", "n3", groups="all")
    since = store.revision()
    assert store.changed(since) == (since, frozenset())
    put(store, "node", "n1", groups="gpu")
    put(store, "node", "n1", "n4", groups="cpu")
    put(store, "osimage", "n1")
    with store.write("rmdef") as transaction:
        transaction.delete("node", "n2")
        transaction.delete("node", "nobody")
    found = store.changed(since)
    assert found.objects == {("node", "n1"), ("node", "n4"), ("osimage", "n1"), ("node", "n2")}
    assert found.revision == store.revision() > since
    assert store.changed(found.revision) == (found.revision, frozenset())


def test_what_changes_nothing_is_no_write(store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    since = store.revision()
    put(store, "node", "n1", groups="all")
    with store.write("there and back") as transaction:
        transaction.put("node", "n1", {"groups": "other"})
        transaction.flush()
        transaction.put("node", "n1", {"groups": "all"})
    with pytest.raises(RuntimeError), store.write("fails") as transaction:
        transaction.put("node", "n2", {})
        transaction.flush()
        raise RuntimeError
    assert store.changed(since) == (since, frozenset())


def test_a_write_after_one_that_failed_is_not_missed(store: SqlStore) -> None:
    put(store, "node", "n1")
    since = store.revision()
    with pytest.raises(RuntimeError), store.write("fails") as transaction:
        transaction.put("node", "lost", {})
        transaction.finish()
        raise RuntimeError
    put(store, "node", "n2")
    assert store.changed(since).objects == {("node", "n2")}


def test_status_counts_though_no_change_set_holds_it(store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    since, changes = store.revision(), store.changes()
    put(store, "node", "n1", groups="all", status="booted", statustime="now")
    assert store.changed(since).objects == {("node", "n1")}
    assert store.changes() == changes


def test_too_long_ago_may_be_anything(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlstore, "REMEMBERED", 3)
    put(store, "node", "n0")
    since = store.revision()
    for number in range(1, 3):
        put(store, "node", f"n{number}")
    assert store.changed(since).objects == {("node", "n1"), ("node", "n2")}
    for number in range(3, 5):
        put(store, "node", f"n{number}")
    assert store.changed(since) == (store.revision(), None)
    assert store.changed(store.revision()).objects == frozenset()


def test_a_write_of_more_than_is_remembered_may_be_anything(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlstore, "REMEMBERED", 3)
    put(store, "node", "n0")
    since = store.revision()
    put(store, "node", *(f"m{number}" for number in range(10)))
    assert store.changed(since) == (store.revision(), None)
    assert store.changed(store.revision()).objects == frozenset()
    since = store.revision()
    put(store, "node", "m1", "m2", groups="all")
    assert store.changed(since).objects == {("node", "m1"), ("node", "m2")}
    since = store.revision()
    put(store, "node", "m1", "m2", "m3", groups="gpu")
    assert store.changed(since) == (store.revision(), None)


def test_a_revision_that_this_store_never_had_may_be_anything(store: SqlStore) -> None:
    assert store.changed(0) == (0, frozenset())
    assert store.changed(7) == (0, None)
    put(store, "node", "n1")
    assert store.changed(0) == store.changed(99) == (store.revision(), None)


def test_forgetting_the_journal_forgets_no_change(store: SqlStore) -> None:
    put(store, "node", "n1")
    since = store.revision()
    put(store, "node", "n2")
    with store.write("tabprune") as transaction:
        transaction.forget(store.changes()[-1].id)
    assert store.changed(since).objects == {("node", "n2")}


def write_elsewhere(opener) -> None:
    store = opener()
    put(store, "node", "n2", groups="all")
    store.close()


def test_another_process_is_heard(opener, store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    since = store.revision()
    worker = multiprocessing.get_context("fork").Process(target=write_elsewhere, args=(opener,))
    worker.start()
    worker.join(60)
    assert (worker.exitcode, store.changed(since).objects) == (0, {("node", "n2")})


def test_every_kind_of_writer_is_heard(site: Site, tmp_path: Path) -> None:
    since = site.store.revision()

    def heard() -> set[tuple[str, str]] | frozenset[tuple[str, str]] | None:
        nonlocal since
        found = site.store.changed(since)
        since = found.revision
        return found.objects

    site.set("node", "n1", groups="all")
    assert heard() == {("node", "n1")}
    site.set("group", "gpu", members="n1")
    assert heard() == {("group", "gpu"), ("node", "n1")}
    site.set("passwd", "ipmi", username="admin", password="secret")
    assert heard() == {("passwd", "ipmi")}
    site.undo()
    assert heard() == {("passwd", "ipmi")}
    (tmp_path / "stanza").write_text("# <xCAT data object stanza file>\n\nn2:\n    objtype=node\n    groups=all\n")
    site.import_from(tmp_path / "stanza")
    assert heard() == {("node", "n2")}
    site.delete("group", "gpu")
    assert heard() == {("group", "gpu"), ("node", "n1")}
    site.set("site", "clustersite", dhcplease=60)
    assert heard() == {("site", "clustersite")}


def test_a_store_of_format_2_says_what_changes_from_now_on(opener, store: SqlStore) -> None:
    put(store, "node", "n1", groups="all")
    store._connection.run("DROP TABLE revision")
    if isinstance(store, SqliteStore):
        store._connection.run("PRAGMA user_version = 2")
    else:
        store._connection.run("UPDATE format SET version = 2")
    again = opener()
    since = again.revision()
    assert (again.names("node"), len(again.changes()), again.changed(since)) == (["n1"], 1, (since, frozenset()))
    put(again, "node", "n2")
    put(again, "node", "n3")
    assert again.changed(again.revision() - 1).objects == {("node", "n3")}
    again.close()
