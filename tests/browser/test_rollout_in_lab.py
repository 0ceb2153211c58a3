"""A roll-out to 200 simulated nodes in JupyterLab: reload, kernel restart, two tabs, Cancel, a wave that goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect
from simulatednodes import Nodes, simulated_nodes

from sbkernel.nodes.simulate import stop
from sbkernel.rollout.waves.report import report
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site

from .conftest import KERNELSPEC, Lab, Opened, use_theme

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

OPEN = """
from sbkernel import workbench as wb
from sbkernel.rollout.waves.plan import Options
from sbkernel.rollout.waves.planning import plan_rollout
from sbkernel.rollout.waves.rollout import start_once
from sbkernel.site import Site
site = Site.open()
"""
SHOW = "await wb.RolloutPanel(site, start_once(site, plan_rollout(site, 'rolling@candidate', 'simulated', {more})))"
RESTART = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"


@pytest.fixture
def nodes(lab: Lab) -> Iterator[Nodes]:
    with Site.open(lab.site) as site:
        site.clone("debian12-x86_64-netboot-compute", "rolling")
        found = simulated_nodes(site, 200, "rolling")
        found.damage_new()
        yield found
        stop(site)
        Service(site).stop()


def output(notebook: Opened, number: int) -> Locator:
    return notebook.cell(number).locator(".jp-OutputArea")


def test_a_rollout_in_tabs_that_come_and_go(
    nodes: Nodes, open_notebook: Callable[..., Opened], page: Page, lab: Lab, shot: Callable[[str], None]
) -> None:
    nodes.trait("whole", "sim0003", "sim0030", "sim0031", "sim0032")
    waiting = SHOW.format(more="options=Options('next')")
    notebook = open_notebook("waves.ipynb", OPEN, waiting)
    notebook.run_all()
    card = output(notebook, 1)
    expect(card).to_contain_text("1 booting", timeout=60_000)
    verbs.rpower(nodes.site, ["sim0001"], "boot")
    expect(card).to_contain_text("20 booting", timeout=60_000)
    nodes.until("booting", count=20)
    verbs.rpower(nodes.site, nodes.names[1:16], "boot", 15, rate="none")
    expect(card).to_contain_text("5 booting, 14 up, 1 failed", timeout=60_000)
    expect(card.get_by_role("listitem")).to_have_count(200)
    shot("roll-out light")
    notebook.saved()
    page.reload()
    expect(card).to_contain_text("5 booting, 14 up, 1 failed", timeout=60_000)
    expect(card.get_by_role("button", name="Go back")).to_be_visible(timeout=30_000)
    page.evaluate(RESTART)
    page.evaluate(RUN)
    expect(card.get_by_role("button", name="Stop here")).to_be_visible(timeout=60_000)
    use_theme(page, "Dark")
    shot("roll-out dark")
    other = page.context.new_page()
    made = new_notebook(cells=[new_code_cell(OPEN + "wb.RolloutPanel(site)")], metadata={"kernelspec": KERNELSPEC})
    nbformat.write(made, lab.notebooks / "other.ipynb")
    second = Opened(other, lab, "other.ipynb")
    second.run_all()
    output(second, 0).get_by_role("button", name="Stop here").click(timeout=60_000)
    expect(card.get_by_text("running", exact=True)).to_be_visible()
    output(second, 0).get_by_role("button", name="Stop here: sure?").click()
    for place in (card, output(second, 0)):
        expect(place.get_by_text("stopped", exact=True)).to_be_visible(timeout=30_000)
        expect(place.get_by_role("button")).to_have_count(0)
    expect(card).to_contain_text("JobCancelledError")
    other.close()
    assert nodes.boots("sim0001", "sim0020") == {nodes.new} and nodes.boots("sim0022") == {nodes.old}
    again = open_notebook("back.ipynb", OPEN, SHOW.format(more="'10,rest', Options(pace='none')"))
    again.run_all()
    expect(output(again, 1).get_by_text("went back", exact=True)).to_be_visible(timeout=120_000)
    expect(output(again, 1)).to_contain_text("its sha256 differs")
    shot("roll-out back dark")
    use_theme(page, "Light")
    shot("roll-out back light")
    assert report(nodes.site).state == "went back" and nodes.boots("sim0022", "sim0030") == {nodes.old}
    assert "went back" in again.saved().cells[1].outputs[0].data["text/html"]
