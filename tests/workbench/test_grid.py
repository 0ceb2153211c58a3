"""The grid of nodes: its bytes in a live session, its marks in a record."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from sbkernel import workbench as wb
from sbkernel.service.nodestates import STATES
from sbkernel.site import Site
from sbkernel.workbench.nodes import grid as grids

STATUSES = ("booted", "booting", "failed", "powering-off", "")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def fill(site: Site, count: int, *, alike: bool = False) -> None:
    site.change(
        "node",
        {
            f"cn{number:04}": {
                "groups": "all", "rack": f"r{number // 40}", "status": STATUSES[0 if alike else number % 5],
            }
            for number in range(count)
        },
    )  # fmt: skip


@pytest.fixture
def grid(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[wb.NodeGrid]:
    """A grid of 80 nodes in two racks that follows them."""
    monkeypatch.setenv("SBK_HEADLESS", "0")
    monkeypatch.setattr(grids, "_LOOK_S", 0.01)
    fill(site, 80, alike=True)
    made = wb.NodeGrid(site)
    following = threading.Thread(target=made._follow)
    following.start()
    yield made
    made.settle()
    following.join(60)
    assert not following.is_alive()


def shown(grid: wb.NodeGrid) -> dict[str, str]:
    names = [name for _, nodes in grid._widget.places for name in nodes]
    return {name: STATES[byte & 0x7F] for name, byte in zip(names, grid._widget.states, strict=False) if byte}


def test_a_byte_follows_each_node_and_what_is_chosen_is_a_noderange(site: Site, grid: wb.NodeGrid) -> None:
    assert [place for place, _ in grid._widget.places] == ["r0", "r1"] and shown(grid) == {}
    grid._widget.chosen = [1, 2, 3, 79]
    assert grid.value == "cn[0001-0003,0079]"
    assert any("cn[0001-0003,0079]" in one.command for one in grid.calls())
    site.set("node", "cn0041", status="failed")
    site.set("node", "cn0002", held="alice: hers")
    until(lambda: shown(grid) == {"cn0041": "failed", "cn0002": "up"})
    until(lambda: grid._foot.said.startswith("79 up, 1 failed"))
    site.delete("node", "cn0001")
    site.set("node", "cn0000", rack="r1")
    until(lambda: [len(nodes) for _, nodes in grid._widget.places] == [38, 41])
    until(lambda: grid.value == "cn[0002-0003,0079]")
    assert shown(grid) == {"cn0041": "failed", "cn0002": "up"}


def test_a_page_that_sends_nonsense_chooses_nothing(grid: wb.NodeGrid) -> None:
    grid._widget.chosen = [-1, 80, 10**9]
    assert grid.value == ""


def test_a_record_has_a_mark_a_node_and_names_all_but_the_commonest(site: Site) -> None:
    fill(site, 100)
    site.set("node", "cn0000", held="alice: <hers>")
    page = wb.NodeGrid(site, "all").html()
    text = re.sub(r"<[^>]*>", "", page)
    assert sum(text.count(mark) for mark in "■◧✕□·") == 100 + 5  # the legend has each once
    assert "cn[0002,0007,0012" in text and 'title="cn0000: up, held"' in page
    assert wb.NodeGrid(site).value == ""


def test_five_thousand_nodes_are_a_small_page_even_if_no_two_are_alike(site: Site) -> None:
    fill(site, 5000)
    page = wb.NodeGrid(site).html()
    assert len(page) < 900_000
    assert not re.search(r"<(style|script|svg)\b|class=", page)


def test_no_nodes_and_names_that_are_markup(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no nodes" in wb.NodeGrid(site).html() and wb.NodeGrid(site).calls() == []
    site.set("node", "n1", groups="all", rack="<b>r1")
    assert "&lt;b&gt;r1" in wb.NodeGrid(site).html()
    monkeypatch.setenv("SBK_HEADLESS", "0")
    assert wb.NodeGrid(site)._widget.places == [["<b>r1", ["n1"]]]
