"""Run a notebook through papermill and keep the record."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

from sbkernel import resources
from sbkernel.errors import RecordError
from sbkernel.jobs.report import NullReport, Report
from sbkernel.records import library, names, parameters, provenance, redact, trust
from sbkernel.records.engine import RecordEngine
from sbkernel.records.export import export
from sbkernel.site import Site

KERNEL = "sbkernel"
_PARAMETERS = {"parameters", "injected-parameters"}


@dataclass(frozen=True)
class Record:
    """One run of a notebook: how it ended, and where its record is."""

    notebook: str
    status: str
    path_ipynb: Path
    path_html: Path
    started: datetime
    seconds: float
    error: str | None = None
    jobs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether every cell ran."""
        return self.status == "ok"


def run_notebook(
    site: Site,
    notebook: str | Path,
    values: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    report: Report | None = None,
) -> Record:
    """Run a notebook, by path or by name, with parameters. Return its record, even if a cell fails.

    The record is written while the notebook runs, as `…-running.ipynb` in records/YYYY/MM; it gets its status and its
    HTML at the end. `name` replaces the name of the notebook in the name of the record. Before anything runs, raises
    NotFoundError for an unknown notebook, and RecordError for unknown parameters and values of another type.
    """
    source = library.find(site, notebook)
    declared = parameters.declared(source)
    given = parameters.validate(declared, values or {})
    image = given.get("image", declared["image"].value if "image" in declared else "")
    started = datetime.now(UTC)
    folder = names.folder(site.records, started)
    folder.mkdir(parents=True, exist_ok=True)
    stem = (started, name or source.stem, redact.redact(str(image or ""), redact.known(site)))
    working = names.free(folder, names.stem(*stem, "running"), ".ipynb")
    error = _execute(site, source, working, given, report or NullReport())
    return _finish(working, stem, error)


def _execute(site: Site, source: Path, output: Path, values: Mapping[str, Any], report: Report) -> str | None:
    """Run the cells; return why not all of them ran, or None."""
    total = len(nbformat.read(source, as_version=4).cells) + bool(values)  # papermill adds a cell for them
    follower = _Follower(report, total)
    papermill_engines.register(KERNEL, RecordEngine)  # for a checkout that is not installed
    with _environment(site), report.phase(f"run {source.stem}", total):
        try:
            papermill.execute_notebook(
                str(source),
                str(output),
                parameters=dict(values),
                engine_name=KERNEL,
                kernel_name=kernel_name(),
                progress_bar=False,
                cwd=str(site.root),
                on_cell=follower.on_cell,
                on_display=follower.on_display,
            )
        except PapermillExecutionError as error:
            return f"{error.ename}: {error.evalue}"
        except (KeyboardInterrupt, DeadKernelError) as error:
            return str(error) or type(error).__name__
        except RuntimeError as error:  # the kernel did not start
            raise RecordError(f"{source.name} did not start: {error}", hint=f"kernel: {kernel_name()}") from error
    return None


def kernel_name() -> str:
    """Return `sbkernel` if that kernel is installed, else `python3`."""
    return KERNEL if KERNEL in KernelSpecManager().find_kernel_specs() else "python3"


@contextmanager
def _environment(site: Site) -> Iterator[None]:
    """Let the kernel find the site, and Jupyter our kernel even if it is not installed."""
    found = os.environ.get("JUPYTER_PATH")
    ours = str(resources.templates() / "jupyter")
    changed = {"SBKERNEL_SITE": str(site.root), "JUPYTER_PATH": f"{found}{os.pathsep}{ours}" if found else ours}
    before = {key: os.environ.get(key) for key in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key)
            else:
                os.environ[key] = value


class _Follower:
    """Report which cell runs, and the progress of its job in the words of its view."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total, self._index = report, total, 0

    def on_cell(self, index: int, cell: NotebookNode) -> None:
        """Report a cell that starts by its first line."""
        self._index = index
        if cell.cell_type == "code" and not _PARAMETERS & set(cell.metadata.get("tags", ())):
            lines = [line.strip("# ") for line in cell.source.splitlines() if line.strip()]
            self._report.progress(index, self._total, lines[0] if lines else "")

    def on_display(self, content: Mapping[str, Any]) -> None:
        """Report a job: as progress while it runs, as a line when it has ended."""
        about = content.get("metadata", {}).get(provenance.KEY, {})
        if "job" not in about:
            return
        text = content["data"].get("text/plain", "")
        if about.get("state") in ("pending", "running"):
            self._report.progress(self._index, self._total, text)
        else:
            self._report.log(text)


def _finish(working: Path, stem: tuple[datetime, str, str], error: str | None) -> Record:
    notebook = nbformat.read(working, as_version=4)
    about = notebook.metadata[provenance.KEY]
    final = names.free(working.parent, names.stem(*stem, about["status"]), ".ipynb")
    trust.sign(notebook)  # papermill marks errors after the engine has signed the notebook
    working.rename(final)
    page = final.with_suffix(".html")
    export(final, page)
    return Record(
        notebook=stem[1],
        status=about["status"],
        path_ipynb=final,
        path_html=page,
        started=stem[0],
        seconds=float(notebook.metadata.papermill.get("duration") or 0.0),
        error=error,
        jobs=tuple(about.get("jobs", ())),
    )
