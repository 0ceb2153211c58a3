"""A node table in a live session follows its nodes, and reads nothing while nothing changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

import sbkernel.workbench as wb
from sbkernel.definitions.store.sqlite import SqliteConnection
from sbkernel.nodes.results import NodeResult
from sbkernel.site import Site
from sbkernel.workbench.nodes import node_table


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that any store of this process is asked."""
    statements: list[str] = []
    real = SqliteConnection.query

    def query(self: SqliteConnection, sql: str, *values: object) -> list[tuple[object, ...]]:
        statements.append(sql)
        return real(self, sql, *values)

    monkeypatch.setattr(SqliteConnection, "query", query)
    return statements


@pytest.fixture
def table(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[wb.NodeTable]:
    """A table of two nodes that follows them."""
    monkeypatch.setenv("SBK_HEADLESS", "0")
    monkeypatch.setattr(node_table, "_LOOK_S", 0.01)
    for name in ("n1", "n2"):
        site.set("node", name, groups="rack", status="booting")
    table = wb.NodeTable(site, "rack")
    following = threading.Thread(target=table._follow)
    following.start()
    yield table
    table.settle()
    following.join(60)
    assert not following.is_alive()


def shown(table: wb.NodeTable) -> dict[str, str]:
    return {row["node"]: row["status"] for row in table._widget.rows}


def test_rows_follow_status_new_nodes_and_gone_ones(site: Site, table: wb.NodeTable) -> None:
    site.set("node", "n1", status="booted")
    until(lambda: shown(table) == {"n1": "booted", "n2": "booting"})
    site.set("node", "n3", groups="rack")
    site.delete("node", "n2")
    until(lambda: shown(table) == {"n1": "booted", "n3": ""})
    table._note(NodeResult("n3", False, "no answer"))
    until(lambda: [row["said"] for row in table._widget.rows] == ["", "no answer"])


def test_nothing_is_read_while_nothing_changes(site: Site, table: wb.NodeTable, asked: list[str]) -> None:
    until(lambda: len(asked) > 20)
    asked.clear()
    until(lambda: len(asked) > 20)
    assert set(asked) == {"SELECT max(id) FROM revision"}


def test_a_store_that_cannot_be_read_for_a_while_does_not_end_it(
    site: Site, table: wb.NodeTable, asked: list[str]
) -> None:
    until(lambda: shown(table))
    site.store._connection.run("ALTER TABLE object RENAME TO away")
    site.store._connection.run("INSERT INTO revision (objtype, name) VALUES ('node', 'n1')")
    asked.clear()
    until(lambda: any("FROM object" in sql for sql in asked))
    site.store._connection.run("ALTER TABLE away RENAME TO object")
    site.set("node", "n1", status="booted")
    until(lambda: shown(table)["n1"] == "booted")
