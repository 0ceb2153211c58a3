"""The capture notebook headless: a node that is a tree behind a real sshd is captured, packed, and shown."""

from pathlib import Path

import nbformat
from noderoot import make_root
from sshd import sshd

from sbkernel import resources
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.records.run import run_notebook
from sbkernel.site import Site

NOTEBOOK = resources.notebooks() / "capture.ipynb"


def test_a_record_shows_what_was_captured(site: Site, tmp_path: Path) -> None:
    with sshd(site, "n1", make_root(tmp_path / "root", "debian12"), tmp_path / "sshd"):
        record = run_notebook(site, NOTEBOOK, {"node": "n1", "image": "taken"})
    assert record.ok, record.error
    text = nbformat.writes(nbformat.read(record.path_ipynb, as_version=4))
    assert "keys of its sshd (2)" in text and "Captured from n1, " in text
    assert "the node had booted no image of this site" in text
    assert Catalog(site).current("taken").packages == 1
    assert "imgcapture" in record.path_html.read_text()
