"""The roll-out notebook headless, through papermill: a good roll-out, the same again, one that goes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import smallimage
from simulatednodes import IMAGE, Nodes, simulated_nodes

from sbkernel import resources
from sbkernel.records.run import run_notebook
from sbkernel.rollout.waves.report import reports
from sbkernel.service.client import Service
from sbkernel.site import Site

NOTEBOOK = resources.notebooks() / "rollout.ipynb"
GIVEN = {"image": IMAGE, "waves": "1,rest", "pace": "none", "promote": True, "budget": "0"}


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with Site.open(tmp_path / "site") as site:
        yield simulated_nodes(site, 5)
        Service(site).stop()


def test_records_of_roll_outs(nodes: Nodes) -> None:
    site = nodes.site
    first = run_notebook(site, NOTEBOOK, GIVEN)
    assert first.ok, first.error
    text = nbformat.writes(nbformat.read(first.path_ipynb, as_version=4))
    assert "all 4 are up" in text and "widget-view" not in text and nodes.assigned() == {IMAGE}
    again = run_notebook(site, NOTEBOOK, GIVEN)
    assert again.ok and "every node runs it already" in again.path_ipynb.read_text() and len(reports(site)) == 1
    newer = smallimage.publish(site, b"newer", IMAGE, gated=True).digest
    nodes.trait("checksum", "sim0004")
    bad = run_notebook(site, NOTEBOOK, GIVEN)
    assert not bad.ok and nodes.boots() == {nodes.new} and newer != nodes.new
    assert "went back" in str(bad.error) and "its sha256 differs" in bad.path_html.read_text()
