"""The node table acts on the nodes that were confirmed, by name, against simulated BMCs behind the real service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_rig import Bmcs, Node
from waiting import until

from sbkernel import workbench as wb
from sbkernel.service.client import Service
from sbkernel.site import Site
from sbkernel.workbench.nodes.node_table import NodeTable


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site
        Service(site).stop()


@pytest.fixture
def nodes(site: Site) -> Iterator[dict[str, Node]]:
    """Three nodes that run; the first two are the group rack1."""
    bmcs = Bmcs()
    made = {name: bmcs.add(site, name, groups=f"all,{rack}") for name, rack in RACKS.items()}
    for node in made.values():
        node.machine.power = True
    yield made
    bmcs.close()


RACKS = {"n1": "rack1", "n2": "rack1", "n3": "rack2"}


@pytest.fixture
def table(site: Site, nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> NodeTable:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    return wb.NodeTable(site, "rack1")


def press(table: NodeTable, action: str, *names: str) -> None:
    """Do what the page does when a question is answered, and wait until every node has its result."""
    table._widget._handle_custom_msg({"action": action, "nodes": list(names)}, [])
    until(lambda: set(names) <= {*table._power, *(name for name, said in table._said.items() if said)})


def test_the_nodes_of_the_question_are_switched_though_the_group_has_changed(
    site: Site, nodes: dict[str, Node], table: NodeTable
) -> None:
    assert [row["node"] for row in table.rows()] == ["n1", "n2"]
    site.set("node", "n1", groups="all,rack2")
    site.set("node", "n3", groups="all,rack1")
    assert [row["node"] for row in table.rows()] == ["n2", "n3"]
    press(table, "off", "n1", "n2")
    assert {name: node.machine.power for name, node in nodes.items()} == {"n1": False, "n2": False, "n3": True}


def test_a_name_is_a_node_and_no_range(site: Site, nodes: dict[str, Node], table: NodeTable) -> None:
    site.set("group", "trap", members="n1,n2,n3")
    press(table, "off", "trap", "n1-n3", "n2")
    assert {name: node.machine.power for name, node in nodes.items()} == {"n1": True, "n2": False, "n3": True}
    assert "no node of that name" in table._said["trap"]


def test_a_node_that_is_gone_by_then_costs_the_others_nothing(
    site: Site, nodes: dict[str, Node], table: NodeTable
) -> None:
    site.delete("node", "n1")
    press(table, "off", "n1", "n2")
    assert not nodes["n2"].machine.power
    assert table.text().startswith("n2: off")
    assert "there is no node of that name. sb lsdef" in table._said["n1"]
