"""The states of many nodes: what their status says, what has changed since, and which boots are stuck."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sbkernel.errors import NotFoundError
from sbkernel.netboot import bootlog
from sbkernel.service import nodestates
from sbkernel.service.boot.posts import STATUS_OF_STAGE
from sbkernel.service.nodestates import node_states, state_of
from sbkernel.site import Site


def define(site: Site, **statuses: str) -> None:
    site.change("node", {name: {"groups": "all,rack1", "status": status} for name, status in statuses.items()})


def states(found: nodestates.NodeStates) -> dict[str, str]:
    return {name: one.state for name, one in found.items()}


def test_every_status_that_the_service_sets_has_a_state(site: Site) -> None:
    for status in {*STATUS_OF_STAGE.values(), "powering-off", "noping(off)", "sshd"}:
        define(site, n1=status)
        assert state_of(site.nodes["n1"]).state != "unknown", status
    define(site, n1="<odd>")
    assert state_of(site.nodes["n1"]).state == "unknown"


def test_a_look_takes_in_changed_new_and_gone_nodes(site: Site) -> None:
    define(site, n1="booted", n2="booting", n10="failed")
    site.set("node", "m1", groups="other", rack="r10", held="alice: test")
    found = node_states(site)
    assert states(found) == {"m1": "unknown", "n1": "up", "n10": "failed", "n2": "booting"}
    assert found.summary == "1 up, 1 booting, 1 failed, 1 unknown, 1 held"
    assert found.look() is False
    define(site, n2="booted", n3="powering-off")
    site.delete("node", "n10")
    assert found.look() is True
    assert states(found) == {"m1": "unknown", "n1": "up", "n2": "up", "n3": "off"}
    site.set("node", "n1", usercomment="seen by nobody")
    assert found.look() is False
    assert "up: n[1-2]" in str(found)


def test_who_joins_a_group_comes_in_and_who_leaves_it_goes(site: Site) -> None:
    define(site, n1="booted")
    site.set("node", "n2", groups="all")
    found = node_states(site, "rack1", by="groups")
    assert list(found) == ["n1"] and list(found.places) == ["rack1"]
    site.set("node", "n2", groups="all,rack1")
    assert found.look() and list(found) == ["n1", "n2"]
    site.set("node", "n1", groups="all")
    assert found.look() and list(found) == ["n2"]


def test_places_are_in_the_order_of_their_numbers_and_what_stands_nowhere_is_last(site: Site) -> None:
    site.change("node", {f"n{rack}": {"groups": "all", "rack": f"r{rack}"} for rack in (10, 9, 1)})
    site.set("node", "a", groups="all")
    assert list(node_states(site).places) == ["r1", "r9", "r10", ""]


def test_a_group_that_goes_and_comes_again_costs_nothing(site: Site) -> None:
    define(site, n1="booted")
    found = node_states(site, "rack1")
    site.set("node", "n1", groups="all", status="failed")
    with pytest.raises(NotFoundError):
        found.look()
    site.set("node", "n1", groups="all,rack1")
    assert found.look() and states(found) == {"n1": "failed"}


def test_a_boot_that_does_not_go_on_is_stuck_and_no_longer_once_it_does(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodestates, "_LOOK_AT_BOOTS_S", 0)
    define(site, n1="booting", n2="booting")
    for node, ago_s in (("n1", 7200), ("n2", 1)):
        bootlog.append(site, node, "power-on", time.time() - ago_s - 10)
        bootlog.append(site, node, "kernel", time.time() - ago_s)
    found = node_states(site)
    assert states(found) == {"n1": "stuck", "n2": "booting"}
    define(site, n1="booted")
    assert found.look() and states(found)["n1"] == "up"


def test_of_many_boots_some_are_looked_at_each_time_and_all_by_turns(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodestates, "_AT_ONCE", 2)
    monkeypatch.setattr(nodestates, "_LOOK_AT_BOOTS_S", 0)
    names = [f"n{number}" for number in range(5)]
    define(site, **dict.fromkeys(names, "booting"))
    found = node_states(site)
    assert set(states(found).values()) == {"booting"}
    for name in names:
        bootlog.append(site, name, "kernel", time.time() - 7200)
    counts = []
    for _ in range(3):
        assert found.look()
        counts.append(found.counts["stuck"])
    assert counts == [2, 4, 5]


def test_a_look_at_thousands_asks_one_question_while_nothing_changes(
    site: Site, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    define(site, **{f"n{number}": "booted" for number in range(2000)})
    found = node_states(site)
    monkeypatch.setattr(nodestates, "_LOOK_AT_BOOTS_S", 1e9)
    found._look_again = time.monotonic() + 1e9
    asked.clear()
    for _ in range(5):
        assert found.look() is False
    assert len(asked) <= 10 and not any("object" in sql.split("FROM")[-1] for sql in asked), asked


def test_a_site_without_nodes(tmp_path: Path) -> None:
    with Site.open(tmp_path / "empty") as site:
        assert str(node_states(site)) == "no nodes"
