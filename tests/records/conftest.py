"""Small real notebooks, run by real kernels."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from privatecron import private_crontab

from sbkernel.site import Site

METADATA = {
    "kernelspec": {"name": "sbkernel", "display_name": "sbkernel", "language": "python"},
    "language_info": {"name": "python"},
}
PARAMETERS = """
image: str = "compute"  # osimage to build
force: bool = False  # build anew
count: int = 3
nodes: list[str] = []  # which
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site, known to kernels and jobs."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("SBKERNEL_SITE", str(tmp_path / "site"))
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A crontab of our own in front of the user's."""
    with private_crontab(tmp_path) as directory:
        monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
        yield


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook with a title, parameters and code cells."""

    def written(*cells: str, name: str = "small") -> Path:
        made = new_notebook(
            cells=[
                new_markdown_cell("# A small notebook\n\nWith *text* and $x$."),
                new_code_cell(PARAMETERS.strip(), metadata={"tags": ["parameters"]}),
                *(new_code_cell(cell) for cell in cells),
            ],
            metadata=METADATA,
        )
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(made, path)
        return path

    return written
