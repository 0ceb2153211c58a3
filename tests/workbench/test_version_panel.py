"""The versions panel: what it shows, and that nothing changes before its plan was confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packedtwice import pack_twice
from smallimage import versions as publish_many
from testbootverdicts import judge

from sbkernel import workbench as wb
from sbkernel.definitions.store.journal import user
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions import moving
from sbkernel.rollout.versions.images import versions
from sbkernel.rollout.versions.promote import promote, rollback
from sbkernel.site import Site
from sbkernel.workbench.displays import versions as display

IMAGE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    with Site.open(tmp_path / "site") as opened:
        opened.change("site", {"clustersite": {"httpport": "8080", "syslogport": "10514", "master": "10.0.0.1"}})
        for number in range(1, 4):
            opened.set("node", f"n{number}", groups="all", mac=f"52:54:00:00:00:0{number}")
        yield opened


def current(site: Site) -> str:
    return Catalog(site).pointers(IMAGE).current


def button(panel: wb.VersionPanel, text: str):
    """Return a button of the panel by what stands on it."""

    def below(widget):
        return [widget, *(one for child in getattr(widget, "children", ()) for one in below(child))]

    (found,) = [one for one in below(panel._widget) if getattr(one, "description", "") == text]
    return found


def offered(panel: wb.VersionPanel) -> bool:
    return panel._asking.layout.display != "none"


def asked_why(panel: wb.VersionPanel) -> bool:
    return panel._why.layout.display != "none"


def test_it_shows_who_has_to_do_with_each_version(site: Site) -> None:
    a, b = publish_many(site, IMAGE, "ab")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    nodeset(site, "n3", f"osimage={IMAGE}@{a}")
    rollback(site, IMAGE)
    shown = display.versions(versions(site, IMAGE))
    for text in (a[:8], b[:8], "1: n3 (pinned: n3)", "2: n[1-2]", f"by {user()}@", "held since", "rollback"):
        assert text in shown.html
    assert shown.html.index(b[:8]) < shown.html.index(a[:8])
    assert shown.about == {"image": IMAGE, "digest": a}


def test_the_verdict_of_a_test_boot_is_shown_and_a_closed_gate_is_said_before_anything_is_done(site: Site) -> None:
    a, b, c = publish_many(site, IMAGE, "abc")
    judge(site, IMAGE, a, True)
    judge(site, IMAGE, b, False)
    site.set("osimage", IMAGE, gate="testboot")
    panel = wb.VersionPanel(site, IMAGE)
    assert all(text in panel._table.value for text in (">good ", ">failed ", ">none<"))
    for digest, is_open in ((a, True), (b, False), (c, False)):
        panel._choice.value = digest
        button(panel, "Promote …").click()
        assert offered(panel) is is_open
    assert "not test booted yet" in panel._below.value and current(site) == c


def test_what_the_gate_refuses_is_promoted_for_a_reason_that_is_kept(site: Site) -> None:
    a, b, _ = publish_many(site, IMAGE, "abc")
    judge(site, IMAGE, a, True)
    site.set("osimage", IMAGE, gate="testboot")
    panel = wb.VersionPanel(site, IMAGE)
    panel._choice.value = b
    assert not asked_why(panel)
    button(panel, "Promote …").click()
    assert asked_why(panel) and not offered(panel)
    assert f"sb promote {panel.value} --untested REASON" in [one.command for one in panel.calls()]
    for wrong in ("", "  ", "two\nlines"):
        panel._reason.value = wrong
        button(panel, "Promote untested …").click()
        assert "one line of text" in panel._below.value and asked_why(panel) and not offered(panel)
    panel._reason.value = "the <virtual> nodes are down"
    button(panel, "Promote untested …").click()
    assert offered(panel) and "is kept: the &lt;virtual&gt; nodes are down" in panel._below.value
    python, line = next((one.python, one.command) for one in panel.calls() if one.what == "promote")
    assert python.endswith(f"promote(site, '{panel.value}', untested='the <virtual> nodes are down')")
    assert line == f"sb promote {panel.value} --untested 'the <virtual> nodes are down'"
    button(panel, "Do it").click()
    move = Catalog(site).pointers(IMAGE).history[-1]
    assert (move.digest, move.reason) == (b, "the <virtual> nodes are down") and current(site) == b
    assert not asked_why(panel) and panel._reason.value == ""
    assert "the &lt;virtual&gt; nodes are down" in panel._table.value, "the history says why"


def test_no_reason_is_asked_for_what_is_no_matter_of_the_gate(site: Site) -> None:
    a, b = publish_many(site, IMAGE, "ab")
    site.set("osimage", IMAGE, gate="testboot")
    judge(site, IMAGE, a, True)
    panel = wb.VersionPanel(site, IMAGE)
    button(panel, "Promote …").click()
    assert asked_why(panel)
    panel._choice.value = a
    assert not asked_why(panel), "it was about another version"
    button(panel, "Promote …").click()
    assert offered(panel) and not asked_why(panel)
    panel._choice.value = b
    button(panel, "Promote …").click()
    judge(site, IMAGE, b, True)
    button(panel, "Promote …").click()
    assert offered(panel) and not asked_why(panel), "it has been tested meanwhile"


def test_nothing_is_promoted_before_the_plan_is_confirmed(site: Site) -> None:
    a, b = publish_many(site, IMAGE, "ab")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    panel = wb.VersionPanel(site, IMAGE)
    panel._choice.value = a
    assert panel.value == f"{IMAGE}@{a[:8]}" and not offered(panel)
    button(panel, "Go back …").click()
    assert current(site) == b and offered(panel)
    for text in (
        f"{b[:8]} → {a[:8]}",
        "packimage then moves only the candidate",
        "boot files of 2 nodes",
        "no node rest",
    ):
        assert text in panel._below.value
    button(panel, "Cancel").click()
    assert current(site) == b and not offered(panel) and panel._foot.said == "nothing was changed"
    button(panel, "Go back …").click()
    button(panel, "Do it").click()
    assert current(site) == a and not offered(panel)
    assert "held since" in panel._table.value and "sb nodeset n[1-2]" in panel._below.value
    button(panel, "Undo …").click()
    assert f"undoes the rollback of {a[:8]}" in panel._below.value and f"ends what {user()}@" in panel._below.value
    button(panel, "Do it").click()
    pointers = Catalog(site).pointers(IMAGE)
    assert pointers.current == b and pointers.hold is None
    assert panel.chosen == a, "what was chosen stays chosen"
    button(panel, "Do it").click()  # there is no plan any more
    assert Catalog(site).pointers(IMAGE) == pointers


def test_a_plan_that_is_out_of_date_is_not_carried_out(site: Site) -> None:
    a, b, c = publish_many(site, IMAGE, "abc")
    panel = wb.VersionPanel(site, IMAGE)
    panel._choice.value = a
    button(panel, "Promote …").click()
    promote(site, f"{IMAGE}@{b}")
    button(panel, "Do it").click()
    assert current(site) == b and "somebody else has moved a pointer" in panel._below.value
    button(panel, "Promote …").click()
    panel._choice.value = c
    assert not offered(panel), "the plan was about another version"


def test_nodes_are_pinned_and_those_that_cannot_be_are_named(site: Site) -> None:
    a, _ = publish_many(site, IMAGE, "ab")
    site.set("node", "n2", held="alice: <her> test")
    panel = wb.VersionPanel(site, IMAGE)
    panel._choice.value = a
    for wrong, said in (("", "no nodes are named"), ("nobody", "nobody")):
        panel._nodes.value = wrong
        button(panel, "Pin nodes …").click()
        assert said in panel._below.value and "Not done" in panel._below.value and not offered(panel)
    panel._nodes.value = "n1-n3"
    button(panel, "Pin nodes …").click()
    assert "2 nodes boot" in panel._below.value and "&lt;her&gt; test" in panel._below.value
    assert site.nodes["n1"].peek("provmethod") == ""
    button(panel, "Do it").click()
    assert [site.nodes[name].peek("provmethod") for name in ("n1", "n2", "n3")] == [f"{IMAGE}@{a}", "", f"{IMAGE}@{a}"]
    assert "(pinned: n[1,3])" in panel._table.value


def test_two_versions_are_compared(site: Site, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    panel = wb.VersionPanel(site, "img")
    assert panel._other.value == Catalog(site).pointers("img").current
    panel._choice.value = panel._choice.options[1][1]
    button(panel, "Compare").click()
    assert "libssl3" in panel._below.value
    button(panel, "Look again").click()
    assert panel._other.value == Catalog(site).pointers("img").current, "what is compared stays chosen"


def test_an_image_that_was_never_packed_and_one_that_was_packed_once(site: Site) -> None:
    with pytest.raises(NotFoundError, match="No packed image"):
        wb.VersionPanel(site, IMAGE)
    (a,) = publish_many(site, IMAGE, "a")
    with pytest.raises(NotFoundError, match="nothing to undo"):
        moving.undoing(site, IMAGE)
    plan = moving.promoting(site, IMAGE, a)
    assert "stays at" in str(plan)
    Catalog(site).rollback(f"{IMAGE}@{a}")
    with pytest.raises(DefinitionError, match="somebody else"):
        plan.apply(site)
