"""The packages notebook headless: a record that stands alone, and a failure when a policy is broken."""

import re
from pathlib import Path

import nbformat
import papermill
import pytest
from packedtwice import pack_twice

from sbkernel import resources
from sbkernel.records.run import run_notebook
from sbkernel.site import Site

NOTEBOOK = resources.notebooks() / "packages.ipynb"


@pytest.fixture
def packed(site: Site, tmp_path: Path) -> Site:
    pack_twice(site, tmp_path)
    return site


def outputs(path: Path) -> dict[str, str]:
    """Return the HTML of each cell by its id."""
    cells = nbformat.read(path, as_version=4).cells
    found = {
        cell.id: [out.data.get("text/html", "") for out in cell.get("outputs", []) if "data" in out] for cell in cells
    }
    return {name: "".join(each) for name, each in found.items()}


def test_a_record_shows_the_whole_change(packed: Site) -> None:
    record = run_notebook(packed, NOTEBOOK, {"image": "img"})
    shown = outputs(record.path_ipynb)
    assert "openssl" in shown["choose"] and "libssl1.1 → libssl3" in shown["rows"]
    assert all("position:absolute" in shown[name] for name in ("treemap", "directories", "growth"))
    assert not re.search(r"<(style|script|svg)|widget-view", "".join(shown.values()))
    page = record.path_html.read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["']https?://""", page)
    assert "libssl3" in page


def test_a_broken_policy_fails_the_notebook(packed: Site, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("removed: forbid\ngrowth: 5 %\n")
    record = run_notebook(packed, NOTEBOOK, {"image": "img", "policy": str(tmp_path / "p.yaml")})
    assert (record.status, record.ok) == ("failed", False)
    assert "PolicyError" in str(record.error) and "breaks the policy" in str(record.error)
    shown = outputs(record.path_ipynb)
    assert "refused" in shown["policy"] and "position:absolute" in shown["growth"]


def test_stock_papermill_runs_it_too(packed: Site, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("downgraded: forbid\n")
    values = {"a": "img@previous", "b": "img", "policy": str(tmp_path / "p.yaml")}
    papermill.execute_notebook(NOTEBOOK, tmp_path / "out.ipynb", values, progress_bar=False)
    assert "allowed" in outputs(tmp_path / "out.ipynb")["policy"]
