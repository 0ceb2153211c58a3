"""A site that the first version made opens, with its journal, and gains what a new site has."""

import json
import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from sbkernel.definitions.store.migration import change_sets
from sbkernel.definitions.store.sqlite import SqliteStore
from sbkernel.errors import SbkernelError

FORMAT_1 = """
CREATE TABLE object (objtype TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL,
                     PRIMARY KEY (objtype, name)) WITHOUT ROWID;
CREATE TABLE member (grp TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (grp, node)) WITHOUT ROWID;
CREATE INDEX member_of_node ON member (node);
CREATE TABLE journal (id INTEGER PRIMARY KEY, t REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
                      objtype TEXT NOT NULL, name TEXT NOT NULL, before TEXT, after TEXT);
PRAGMA user_version = 1;
"""
ROWS = [
    (100.0, "root", "new site", "site", "clustersite", None, '{"httpport":"8080"}'),
    (200.0, "root", "mkdef", "node", "n1", None, '{"groups":"all"}'),
    (200.001, "root", "mkdef", "node", "n2", None, '{"groups":"all"}'),
    (300.0, "root", "mkdef", "group", "gpu", None, '{"mgt":"ipmi"}'),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "site.db"
    db = sqlite3.connect(path)
    db.executescript(FORMAT_1)
    sql = "INSERT INTO journal (t, who, what, objtype, name, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)"
    db.executemany(sql, ROWS)
    db.executemany("INSERT INTO object VALUES (?, ?, ?)", [(row[3], row[4], row[6]) for row in ROWS])
    db.executemany("INSERT INTO member VALUES ('all', ?)", [("n1",), ("n2",)])
    db.commit()
    db.close()
    return path


def test_objects_and_journal_of_format_1_are_kept(old: Path) -> None:
    store = SqliteStore(old)
    assert store.members("all") == ["n1", "n2"]
    assert store.get("site", "clustersite") == {"httpport": "8080"}
    assert [(one.t, one.who, one.what, one.objects) for one in store.changes()][:3] == [
        (100.0, "root", "new site", 1),
        (200.0, "root", "mkdef", 2),
        (300.0, "root", "mkdef", 1),
    ]
    assert store.entries(2)[1] == ("node", "n2", None, {"groups": "all"})


def test_defined_groups_become_static_and_the_default_groups_appear(old: Path) -> None:
    store = SqliteStore(old)
    assert store.get("group", "gpu") == {"grouptype": "static", "mgt": "ipmi"}
    assert (store.get("group", "xcatdefaults") or {})["postbootscripts"] == "otherpkgs"
    assert store.get("group", "service") == {"postscripts": "servicenode"}
    assert store.changes()[-1].what == "site.db of format 1"


def test_an_own_group_called_service_keeps_its_attributes(old: Path) -> None:
    db = sqlite3.connect(old)
    db.execute("INSERT INTO object VALUES ('group', 'service', '{\"mgt\":\"openbmc\"}')")
    db.commit()
    db.close()
    assert SqliteStore(old).get("group", "service") == {"grouptype": "static", "mgt": "openbmc"}


def test_opening_again_changes_nothing(old: Path) -> None:
    SqliteStore(old).close()
    before = SqliteStore(old).changes()
    assert SqliteStore(old).changes() == before


def test_many_processes_migrate_once(old: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=lambda: SqliteStore(old).close()) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(SqliteStore(old).changes()) == 4


def test_migration_that_fails_leaves_the_old_file(old: Path, monkeypatch) -> None:
    def broken(_transaction) -> None:
        raise SbkernelError("broken")

    monkeypatch.setattr("sbkernel.definitions.store.migration.to_format_2", broken)
    with pytest.raises(SbkernelError, match="broken"):
        SqliteStore(old)
    monkeypatch.undo()
    assert len(SqliteStore(old).changes()) == 4


def test_objects_of_format_3_get_a_table_where_long_ones_share_pages(tmp_path: Path) -> None:
    path, long = tmp_path / "site.db", {"kcmdline": "x" * 1200}
    store = SqliteStore(path)
    with store.write("make") as transaction:
        transaction.put_many("node", {f"n{number:03}": long for number in range(300)})
    store.close()
    db = sqlite3.connect(path)
    ordinary, pages = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'object'").fetchone()[0], _pages(db)
    db.executescript(f"""
        ALTER TABLE object RENAME TO o; {ordinary} WITHOUT ROWID; INSERT INTO object SELECT * FROM o; DROP TABLE o;
        PRAGMA user_version = 3;
    """)
    assert _pages(db) > 2 * pages
    db.close()
    store = SqliteStore(path)
    assert store.objects("node") == {f"n{number:03}": long for number in range(300)}
    assert (len(store.changes()), store.changed(store.revision()).objects) == (1, frozenset())
    store.close()
    assert _pages(sqlite3.connect(path)) < 1.2 * pages


def _pages(db: sqlite3.Connection) -> int:
    """Return the number of pages that hold something."""
    ((all_of_them,), (free,)) = (
        db.execute("PRAGMA page_count").fetchone(),
        db.execute("PRAGMA freelist_count").fetchone(),
    )
    return int(all_of_them - free)


def test_rows_belong_together_when_one_transaction_can_have_written_them() -> None:
    def row(t: float, what: str, name: str):
        return (t, "root", what, "node", name, None, json.dumps({}))

    rows = [row(1, "a", "x"), row(1.01, "a", "y"), row(1.02, "a", "x"), row(1.03, "b", "x"), row(2, "b", "y")]
    assert [[one[1] for one in change.rows] for change in change_sets(rows)] == [["x", "y"], ["x"], ["x"], ["y"]]
    assert list(change_sets([])) == []
