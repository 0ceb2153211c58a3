"""The schedules panel: what is pressed is what `sb schedule` does, and it shows the command for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from privatecron import private_crontab
from waiting import until

import sbkernel.workbench as wb
from sbkernel.records.schedules import definition, last, schedule
from sbkernel.records.schedules.definition import Tell
from sbkernel.records.schedules.when import When
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened, private_crontab(tmp_path) as directory:
        monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
        yield opened


@pytest.fixture
def panel(site: Site, monkeypatch: pytest.MonkeyPatch) -> wb.SchedulePanel:
    """A panel of one schedule in a live session."""
    monkeypatch.setenv("SBK_HEADLESS", "0")
    schedule.add(site, "build", {"image": "mine"}, when=When("daily", "02:00"), tell=Tell(mail="root"))
    return wb.SchedulePanel(site)


def widgets(panel: wb.SchedulePanel) -> Iterator[Any]:
    waiting = [panel._widget]
    while waiting:
        one = waiting.pop(0)
        yield one
        waiting[:0] = getattr(one, "children", ())


def find(panel: wb.SchedulePanel, label: str) -> Any:
    (found,) = (one for one in widgets(panel) if getattr(one, "description", "") == label)
    return found


def shown(panel: wb.SchedulePanel) -> str:
    return "".join(one.value for one in widgets(panel) if type(one).__name__ == "HTML")


def crontab() -> str:
    return subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout


def test_headless_it_is_the_list(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "1")
    panel = wb.SchedulePanel(site)
    assert panel._widget is None
    assert panel.text() == str(schedule.ls(site)) and "0 schedules" in panel.html()
    schedule.add(site, "build", when=When("hourly"))
    panel.look()
    assert ">1 schedule" in panel.html() and "hourly" in panel.text()


def test_buttons_do_what_the_verb_does(panel: wb.SchedulePanel, site: Site) -> None:
    assert "sb schedule add build --name build --daily 02:00 -p image=mine --mail root" in shown(panel)
    find(panel, "Disable").click()
    assert crontab() == "" and not definition.load(site, "build").enabled
    assert "sb schedule disable build" in shown(panel)
    find(panel, "Enable").click()
    assert "build is started by cron" in shown(panel) and crontab().count("\n") == 1


def test_a_run_is_followed_to_its_end(panel: wb.SchedulePanel, site: Site, tmp_path: Path) -> None:
    (site.root / "notebooks").mkdir()
    (site.root / "notebooks" / "build.ipynb").write_text("no notebook")  # ends as soon as it is read
    find(panel, "Run now").click()
    until(lambda: "failed" in panel._list.value and not last.is_running(site, "build"), timeout_s=120)
    assert "failed: " in panel.text()


def test_a_form_shows_the_command_adds_and_says_what_is_wrong(panel: wb.SchedulePanel, site: Site) -> None:
    find(panel, "Notebook").value = "packages"
    find(panel, "Name").value = "weekly"
    find(panel, "Runs").value = "weekly"
    find(panel, "At").value = "someday"
    assert "no day and time" in shown(panel)
    find(panel, "Add").click()
    assert "weekly" not in panel.text()
    find(panel, "At").value = "sun 03:30"
    find(panel, "Mail to").value = "admin@example.org"
    names = [one.description for one in panel._form._parameters.children for one in one.children if one.description]
    assert names == list(panel._form._known)
    find(panel, names[0]).value = "one"
    wanted = f"sb schedule add packages --name weekly --weekly 'sun 03:30' -p {names[0]}=one --mail admin@example.org"
    assert wanted.replace("'", "&#39;") in shown(panel)
    find(panel, "Add").click()
    assert "weekly: made, started by cron" in shown(panel)
    assert find(panel, "Schedule").options == ("build", "weekly")
    assert definition.load(site, "weekly").values == {names[0]: "one"}
    find(panel, names[0]).value = "two"
    find(panel, "Add").click()
    assert "with other parameters" in shown(panel)


def test_without_a_schedule_nothing_can_be_pressed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    panel = wb.SchedulePanel(site)
    assert [find(panel, text).disabled for text in ("Run now", "Enable", "Disable", "Refresh")] == [True] * 3 + [False]
    assert "No schedule: sb schedule add NOTEBOOK" in shown(panel)
