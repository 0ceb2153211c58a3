"""Holds: who holds a node and why, in the store and its history, and who may end it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.definitions.holds import Hold, hold, hold_of, holds, refuse_held, release
from sbkernel.definitions.store.journal import user
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        for number in (1, 2, 3):
            site.set("node", f"n{number}", groups="all,rack1")
        yield site


def test_a_hold_says_who_and_why_and_is_in_the_history(site: Site) -> None:
    hold(site.store, ["n1", "n2"], "waits for\na  new DIMM: slot 3")
    assert holds(site.store, ["n1", "n2", "n3"]) == dict.fromkeys(
        ("n1", "n2"), Hold(user(), "waits for a new DIMM: slot 3")
    )
    assert site.nodes["n1"].get("held") == f"{user()}: waits for a new DIMM: slot 3"
    assert release(site.store, ["n1", "n3"]) == {"n1": Hold(user(), "waits for a new DIMM: slot 3"), "n3": None}
    assert list(holds(site.store, list(site.nodes))) == ["n2"]
    assert [change.what for change in site.store.changes("n1")][-2:] == ["hold", "release"]


def test_a_reason_is_wanted(site: Site) -> None:
    with pytest.raises(DefinitionError, match="a hold needs a reason"):
        hold(site.store, ["n1"], " \n")
    assert not holds(site.store, ["n1"])


def test_what_somebody_else_holds_is_left_alone_unless_forced(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "jane")
    hold(site.store, ["n2", "n3"], "benchmark")
    monkeypatch.setenv("SUDO_USER", "joe")
    for act in (lambda: hold(site.store, ["n1", "n2", "n3"], "mine"), lambda: release(site.store, ["n1", "n2", "n3"])):
        with pytest.raises(DefinitionError, match="n2 is held by jane: benchmark, and 1 more"):
            act()
    assert list(holds(site.store, ["n1", "n2", "n3"])) == ["n2", "n3"]
    hold(site.store, ["n2"], "mine", force=True)
    assert holds(site.store, ["n2"])["n2"] == Hold("joe", "mine")


def test_a_group_lends_its_hold_and_ends_it(site: Site) -> None:
    site.set("group", "rack1", held="jane: no cooling")
    assert hold_of(site.nodes["n3"]) == Hold("jane", "no cooling")
    with pytest.raises(NodeError, match="n3: held by jane: no cooling"):
        refuse_held(site.nodes["n3"], "rpower")
    with pytest.raises(DefinitionError, match="n3 is held by one of its groups"):
        release(site.store, ["n3"], force=True)


def test_nodeset_leaves_a_held_node_as_it_is(site: Site) -> None:
    hold(site.store, ["n1"], "benchmark")
    result = nodeset(site, "n1,n2", "offline")
    assert dict(result) == {"n2": "offline"}
    with pytest.raises(NodeError, match=f"held by {user()}: benchmark"):
        _ = result["n1"]
    assert dict(nodeset(site, "n1", "offline", override_hold=True)) == {"n1": "offline"}
