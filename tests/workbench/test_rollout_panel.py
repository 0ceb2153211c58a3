"""The card of a roll-out, and the buttons of its panel: they ask once more, and do what the command line does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from sbkernel import workbench as wb
from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import SbkernelError
from sbkernel.rollout.waves.division import Wave
from sbkernel.rollout.waves.journal import Journal, Rollout, make
from sbkernel.rollout.waves.plan import Before, Options, RolloutPlan
from sbkernel.rollout.waves.report import report
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of
from sbkernel.workbench.rollout.rollout_panel import RolloutPanel

NEW, OLD = "a" * 64, "b" * 64


def plan(sizes: tuple[int, ...]) -> RolloutPlan:
    names = [f"n{number:04d}" for number in range(1, sum(sizes) + 1)]
    waves = tuple(Wave(str(size), tuple(names[sum(sizes[:at]) :][:size])) for at, size in enumerate(sizes))
    before = {name: Before("netboot x", "img", OLD, "img") for name in names}
    options = Options(pace="none", promote=True)
    return RolloutPlan("img", NEW, "img@candidate", "all", waves, before, {"n9": "held by amy: <b>"}, options, "2,rest")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def rollout(site: Site) -> Rollout:
    """A roll-out that was killed while its second wave booted."""
    made = make(site, plan((2, 4)), "me")
    journal = Journal(made)
    journal.event(wave=1)
    for word in ("set", "sending", "booting", "up"):
        journal.say(word, ["n0001", "n0002"])  # type: ignore[arg-type]
    journal.event(judged=1, good=True, why="all 2 are up")
    journal.event(wave=2)
    journal.say("failed", ["n0003"], "the root <image> is damaged")
    journal.close()
    return made


def test_the_card_says_all_in_records_too(site: Site, rollout: Rollout) -> None:
    page = html_of(report(site))
    for said in (
        "interrupted", "wave 2: 4", "3 waiting, 1 failed", "n0003: failed: the root &lt;image&gt; is damaged",
        "left out: n9: held by amy: &lt;b&gt;", "up: it runs the version", f"sb rollout --resume {rollout.id}",
    ):  # fmt: skip
        assert said in page, said
    assert page.count('role="listitem"') == 6 and not re.search(r"<(style|script|svg)\b|class=", page)
    assert "RolloutPlan(" not in str(report(site)) and "n0003: failed: the root <image>" in str(report(site))


def test_many_nodes_are_folded(site: Site) -> None:
    make(site, plan((10, 4990)), "me")
    page = html_of(report(site))
    assert fold([f"n{number:04d}" for number in range(1, 5001)]) in page and len(page) < 10_000


def test_a_panel_without_anybody_is_its_card(site: Site, rollout: Rollout) -> None:
    panel = RolloutPanel(site)
    began = panel.calls()[0]
    assert began.command == "sb rollout img@candidate all --waves 2,rest --budget 5% --pace none --promote"
    assert began.python.endswith("'all', waves='2,rest', budget='5%', pace='none', promote=True)")
    assert panel._widget is None and panel.text().startswith(rollout.id)
    with pytest.raises(SbkernelError, match="interrupted"):
        asyncio.run(panel._wait())


def test_go_back_asks_once_more_and_is_done(site: Site, rollout: Rollout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    panel = wb.RolloutPanel(site, rollout.id)
    back = panel._buttons["back"]
    back.click()
    assert back.description == "Go back: sure?" and not rollout.order
    panel._buttons["stay"].click()
    assert back.description == "Go back" and not rollout.order
    for node in plan((2, 4)).nodes:
        site.set("node", node, groups="all", mac=f"52:54:00:00:00:0{node[-1]}")
    back.click()
    back.click()
    assert rollout.order == "back"
    until(lambda: rollout.progress().end, seen=lambda: rollout.events())
    assert rollout.progress().nodes["n0003"].word == "failed"
    back.click()
    back.click()
    assert "is over: went back" in panel._note.value
    assert json.loads((rollout.dir / "job.json").read_text())["job"].endswith("-rollout")
