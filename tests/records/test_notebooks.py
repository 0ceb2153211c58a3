"""The shipped notebooks: valid, stripped, documented, and thin."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from sbkernel import resources
from sbkernel.records import parameters

NOTEBOOKS = sorted(resources.notebooks().glob("*.ipynb"))


def python(cell: nbformat.NotebookNode) -> ast.Module:
    """Return the code of a cell as IPython runs it: %sb is a call."""
    source = TransformerManager().transform_cell(cell.source)
    return compile(source, "", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_it_is_valid_and_stored_without_outputs(path: Path) -> None:
    nbformat.validate(json.loads(path.read_text()))
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in code(notebook))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "sbkernel"


def test_cell_ids_say_what_the_cells_are(path: Path) -> None:
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids)
    assert all(id_.replace("-", "").isalpha() for id_ in ids)


def test_it_has_one_parameters_cell_that_says_types_and_meanings(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert ["parameters" in cell.metadata.get("tags", []) for cell in notebook.cells].count(True) == 1
    declared = parameters.declared(path)
    assert len(declared) == len(next(cell for cell in code(notebook)).source.splitlines()), "papermill reads each line"
    for parameter in declared.values():
        assert parameter.help
        assert parameters.validate(declared, {parameter.name: parameter.value}) == {parameter.name: parameter.value}


def test_it_defines_nothing_worth_testing(path: Path) -> None:
    for cell in code(nbformat.read(path, as_version=4)):
        kinds = {type(node) for node in ast.walk(python(cell))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}
        assert len(cell.source.splitlines()) <= 16


def test_what_it_imports_exists(path: Path) -> None:
    imports = [
        ast.unparse(node)
        for cell in code(nbformat.read(path, as_version=4))
        for node in ast.walk(python(cell))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    exec("\n".join(imports), {})
