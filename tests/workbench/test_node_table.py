"""A node table in a live session follows its nodes, and reads nothing while nothing changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

import sbkernel.workbench as wb
from sbkernel.definitions.store.journal import user
from sbkernel.nodes.results import NodeResult
from sbkernel.site import Site
from sbkernel.workbench.nodes import node_table


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


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


def press(table: wb.NodeTable, action: str, *names: str, **more: str) -> None:
    """Do what the page does when a button is pressed."""
    table._widget._handle_custom_msg({"action": action, "nodes": list(names), **more}, [])


def held(table: wb.NodeTable) -> dict[str, str]:
    return {row["node"]: row["held"] for row in table._widget.rows}


def test_nodes_are_held_and_released_by_their_buttons(site: Site, table: wb.NodeTable) -> None:
    until(lambda: held(table) == {"n1": "", "n2": ""})
    assert ">held<" not in table.html()
    press(table, "hold", "n2", reason="waits for a <DIMM>")
    until(lambda: held(table) == {"n1": "", "n2": f"{user()}: waits for a <DIMM>"})
    assert "waits for a &lt;DIMM&gt;" in table.html() and ">held<" in table.html()
    assert table.text().splitlines()[1].endswith(f"held by {user()}: waits for a <DIMM>")
    press(table, "release", "n2")
    until(lambda: held(table) == {"n1": "", "n2": ""})


def test_what_others_hold_stays_held_and_the_table_says_why(site: Site, table: wb.NodeTable) -> None:
    site.set("node", "n1", held="alice: her test")
    press(table, "release", "n1")
    until(lambda: "held by alice" in table._widget.rows[0]["said"])
    press(table, "hold", "n2", reason=" ")
    until(lambda: "needs a reason" in table._widget.rows[1]["said"])
    assert held(table) == {"n1": "alice: her test", "n2": ""}
    assert table._foot.said.startswith("hold: ")
