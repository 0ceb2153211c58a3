"""Values of every room as HTML: by type, in any kernel, without the value knowing of it."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbclient
import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from packedtwice import pack_twice
from shownvalues import BEGIN, SHOWS

from sbkernel import workbench
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

HERE = Path(__file__).parent


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[nbformat.NotebookNode]:
    """A notebook that shows a value of each kind."""
    monkeypatch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)
    with Site.open(tmp_path / "site") as site:
        pack_twice(site, tmp_path)
    cells = [new_code_cell(text) for text in (BEGIN.format(site=str(tmp_path / "site")), *SHOWS)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    yield new_notebook(cells=cells, metadata={"kernelspec": kernel})


def by_nbclient(made: nbformat.NotebookNode, tmp_path: Path) -> nbformat.NotebookNode:
    return nbclient.NotebookClient(made, kernel_name="python3", timeout=120).execute()


def by_papermill(kernel: str) -> Callable[[nbformat.NotebookNode, Path], nbformat.NotebookNode]:
    def run(made: nbformat.NotebookNode, tmp_path: Path) -> nbformat.NotebookNode:
        nbformat.write(made, tmp_path / "in.ipynb")
        return papermill.execute_notebook(
            tmp_path / "in.ipynb", tmp_path / "out.ipynb", kernel_name=kernel, progress_bar=False
        )

    return run


@pytest.mark.parametrize(
    "run",
    [by_nbclient, by_papermill("python3"), by_papermill("sbkernel")],
    ids=["nbclient, python3", "papermill, python3", "papermill, sbkernel"],
)
def test_every_kernel_shows_them(
    notebook: nbformat.NotebookNode,
    tmp_path: Path,
    run: Callable[[nbformat.NotebookNode, Path], nbformat.NotebookNode],
) -> None:
    done = run(notebook, tmp_path)
    assert not [out for cell in done.cells for out in cell.outputs if out.output_type == "error"]
    shown = {cell.source: cell.outputs[-1].data for cell in done.cells if cell.source in SHOWS}
    for cell, text in SHOWS.items():
        html = shown[cell]["text/html"]
        assert text in html, cell
        assert not re.search(r"<(style|script|svg|odd)\b|class=", html), cell
        assert not re.search(r" object at 0x|Package\(name=", shown[cell]["text/plain"]), cell
    assert shown["image"]["text/plain"].startswith("osimage: debian12-x86_64-netboot-compute\n")


def test_the_types_and_the_functions_of_the_table_are_there() -> None:
    code = (
        "import importlib\nfrom sbkernel.workbench.displays import SHOWN\n"
        "for name in [*SHOWN, *SHOWN.values()]:\n"
        "    module, _, attribute = name.partition(':')\n"
        "    found = getattr(importlib.import_module(module), attribute)\n"
        "    assert (found.__module__, found.__name__) == (module, attribute), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_value_of_ours_is_refused() -> None:
    with pytest.raises(KeyError, match="builtins:int"):
        html_of(1)


def test_names_of_the_workbench_are_imported_when_they_are_used() -> None:
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance()\nbefore = set(sys.modules)\nimport sbkernel\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert not new & {'pandas', 'ipywidgets', 'anywidget', 'aiohttp', 'markupsafe'}, new\n"
        "from sbkernel import workbench as wb\n"
        "assert 'DiffTable' in dir(wb) and 'pandas' not in sys.modules\n"
        "import sbkernel.workbench.definitions.diagnostics\n"
        "assert callable(wb.remarks) and callable(wb.table)\n"
        "from sbkernel.workbench import *\n"
        "assert NodeTable is wb.NodeTable and not hasattr(wb, 'nothing')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_checkers_see_the_names_of_the_workbench_where_they_are() -> None:
    file = Path(workbench.__file__)
    seen = {
        alias.name: node.module
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module != "typing"
        for alias in node.names
    }
    assert seen == {name: getattr(workbench, name).__module__ for name in workbench.__all__}
    assert not {path.stem for path in file.parent.iterdir()} & seen.keys(), "a module of that name would hide it"
