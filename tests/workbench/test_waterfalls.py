"""Boots of many nodes side by side: the worst first, on one axis, within the size that a record may have."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.netboot import bootlog
from sbkernel.service.boots import boots
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

STAGES = ("power-on", "dhcp", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "login")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def booted(site: Site, node: str, until: str = "login", *, each_s: float = 3, ago_s: float = 900) -> None:
    """Write down a boot that reached a stage `ago_s` seconds ago."""
    reached = STAGES[: STAGES.index(until) + 1]
    began = time.time() - ago_s - each_s * (len(reached) - 1)
    for number, stage in enumerate(reached):
        bootlog.append(site, node, stage, began + number * each_s)


def define(site: Site, *names: str) -> None:
    site.change("node", {name: {"groups": "all", "provmethod": "img"} for name in names})


def test_the_worst_and_the_slowest_stand_first(site: Site) -> None:
    define(site, "n1", "n2", "n3", "n4", "n5", "n6")
    booted(site, "n1")
    booted(site, "n2", each_s=5)
    booted(site, "n3", "kernel", ago_s=86400)
    booted(site, "n4", "fetched")
    bootlog.append(site, "n4", "failed", reason="no <memory>")
    booted(site, "n6", "fetched", ago_s=1)
    found = boots(site, "all")
    assert [one.node for one in found.nodes] == ["n4", "n3", "n6", "n2", "n1", "n5"]
    assert found.summary == "1 failed, 1 stuck, 1 booting, 2 well, 1 unseen"
    page = html_of(found)
    assert "no &lt;memory&gt;" in page and "<memory>" not in page
    assert [page.index(f">{node}<") for node in ("n4", "n3", "n6", "n2", "n1", "n5")] == sorted(
        page.index(f">{node}<") for node in ("n1", "n2", "n3", "n4", "n5", "n6")
    )
    assert "▸" in page.split("<tbody>")[1], "a day of waiting is longer than the axis"
    first = str(found).splitlines()[0]
    assert first.startswith("n4: failed, ") and "no <memory>" in first
    frame = found.df
    assert list(frame[frame["node"] == "n1"]["stage"]) == list(STAGES)
    assert frame["delta"].max() > 800


def test_a_stage_that_took_too_long_is_marked_and_the_usual_times_are_shown(site: Site) -> None:
    define(site, "n1", "n2")
    for _ in range(30):
        booted(site, "n1", ago_s=7200)
    began = time.time() - 600
    for number, stage in enumerate(STAGES):
        bootlog.append(site, "n2", stage, began + number * 3 + (60 if stage in ("userspace", "login") else 0))
    page = html_of(boots(site, ["n2"]))
    assert "the median of 31 boots" in page
    assert "mounted 1 min 3 s (usually 3.0 s)" in page
    assert page.count(" (usually") == 1 and page.count(">!</b>") == 1


def test_of_five_hundred_nodes_the_page_is_below_a_megabyte(site: Site) -> None:
    names = [f"cn{number:04}" for number in range(500)]
    define(site, *names)
    lines: list[str] = []
    for name in names:
        booted(site, name, each_s=3.123)
        lines.append(name)
    page = html_of(boots(site, names))
    assert all(f">{name}<" in page for name in lines)
    assert len(page) < 700_000, len(page)
    assert not re.search(r"<(style|script|svg)\b|class=", page)


def test_nodes_that_never_booted_and_no_nodes_at_all(site: Site) -> None:
    assert "0" in html_of(boots(site, [])) and str(boots(site, [])) == "no nodes"
    define(site, "n1")
    assert "no boot seen" in html_of(boots(site, "n1"))
    assert str(boots(site, "n1")) == "n1: no boot seen"
