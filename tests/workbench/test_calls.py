"""Below every panel stand the Python and the command line that do the same, and both are real."""

from __future__ import annotations

import ast
import importlib
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from keptrecords import record
from packedtwice import pack_twice

from sbkernel import workbench as wb
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.jobs import job as jobs
from sbkernel.lists.edit import ListFiles
from sbkernel.rollout.waves.division import Wave
from sbkernel.rollout.waves.journal import make
from sbkernel.rollout.waves.plan import Before, Options, RolloutPlan
from sbkernel.site import Site
from sbkernel.workbench.calls import call
from sbkernel.workbench.panel import Panel
from sbkernel.workbench.records.record_choice import Choice

IMAGE = "debian12-x86_64-netboot-compute"


def chooser(site: Site) -> wb.DiffChooser:
    return wb.DiffChooser(site, "img@previous", "img")


def chosen_record(site: Site) -> wb.RecordPanel:
    record(site, run="ab" * 16)
    panel = wb.RecordPanel(site, image="img", words="ann")
    panel.chosen = Choice(("ab" * 16,), given={"force": "true"})
    return panel


def rolled_out(site: Site) -> wb.RolloutPanel:
    before = {"n1": Before("netboot x", "img", "", "img")}
    plan = RolloutPlan("img", "ab" * 32, "img", "n1", (Wave("1", ("n1",)),), before, {}, Options(pace="none"), "1")
    make(site, plan, "me")
    return wb.RolloutPanel(site)


PANELS: dict[str, Callable[[Site], Panel]] = {
    "BootView": lambda site: wb.BootView(site, ["n1", "n2"]),
    "ConsoleView": lambda site: wb.ConsoleView(site, "n1"),
    "DefinitionPanel": lambda site: wb.DefinitionPanel(site, IMAGE),
    "DiffChooser": chooser,
    "DiffTable": lambda site: wb.DiffTable(chooser(site)),
    "ImageChooser": lambda site: wb.ImageChooser(site, IMAGE),
    "JobView": lambda site: wb.JobView(jobs.start(site, "genimage", "view_targets:nothing", image=IMAGE).wait(60)),
    "ListEditor": lambda site: wb.ListEditor(ListFiles(site, IMAGE, "pkglist")),
    "ListsEditor": lambda site: wb.ListsEditor(site, IMAGE),
    "RecordPanel": chosen_record,
    "RolloutPanel": lambda site: rolled_out(site),
    "SchedulePanel": lambda site: wb.SchedulePanel(site),
    "VersionPanel": lambda site: wb.VersionPanel(site, "img"),
    "NodeGrid": lambda site: wb.NodeGrid(site, "n1,n2"),
    "NodeTable": lambda site: wb.NodeTable(site, "n1,n2"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with two versions of an image and two nodes, for all panels: making it takes longer than all they do."""
    directory = tmp_path_factory.mktemp("calls")
    with Site.open(directory / "site") as opened, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        pack_twice(opened, directory)
        for name in ("n1", "n2"):
            opened.set("node", name, groups="all")
        yield opened


def test_every_panel_is_asked() -> None:
    panels = {name for name in wb.__all__ if isinstance(found := getattr(wb, name), type) and issubclass(found, Panel)}
    assert panels == set(PANELS)


@pytest.mark.parametrize("name", PANELS)
def test_every_call_is_real_and_shown(name: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = PANELS[name](site)
    calls = panel.calls()
    assert calls and len({one.what for one in calls}) == len(calls)
    for one in calls:
        words = shlex.split(one.command)
        assert words[0] == "sb"
        root = group(VERB_GROUPS)
        above = click.Context(root, **root.context_settings)  # which says what -h is: click keeps that with a command
        verb, command, rest = root.resolve_command(above, words[1:])
        command.make_context(verb, rest, parent=above)  # raises for an option or a word that is not known
        for statement in ast.parse(one.python).body:
            if isinstance(statement, ast.ImportFrom):
                module = importlib.import_module(str(statement.module))
                assert all(callable(getattr(module, alias.name)) for alias in statement.names)
    kept = panel._bundle(None)["text/html"]
    assert "<summary" in kept and all(one.command.split()[1] in kept for one in calls)
    monkeypatch.setenv("SBK_HEADLESS", "0")
    live = PANELS[name](site)
    live.say("done <so far>")
    assert live._view.children == (live._widget, live._foot)
    assert [one[2] for one in live._foot.calls] and live._foot.said == "done <so far>"


def test_words_are_quoted_for_python_and_for_a_shell() -> None:
    odd = "a b'; $(reboot)"
    one = call("odd", chooser, odd, sb=["diff", odd], depth=2)
    assert shlex.split(one.command) == ["sb", "diff", odd]
    value = ast.parse(one.python.splitlines()[-1]).body[0]
    assert isinstance(value, ast.Expr) and isinstance(value.value, ast.Call)
    assert isinstance(value.value.args[1], ast.Constant) and value.value.args[1].value == odd
