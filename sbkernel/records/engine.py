"""The papermill engine `sbkernel`: its record is true however the run ends.

`papermill --engine sbkernel in.ipynb out.ipynb` and `sb run` use it. Unlike the stock engine, it ends cleanly after a
signal, keeps the true status of each cell, reports a dead kernel as an error, removes known secrets before each save,
keeps no widget state, and writes to `metadata.sbkernel` who ran what and what came out.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger

from sbkernel.errors import SbkernelError
from sbkernel.jobs.origin import RECORD
from sbkernel.records import names, provenance, redact, trust
from sbkernel.records.client import RecordClient
from sbkernel.records.working import WorkingFile
from sbkernel.site import Site, site_directory

OnCell = Callable[[int, NotebookNode], None]
OnDisplay = Callable[[Mapping[str, Any]], None]


class RecordManager(NotebookExecutionManager):
    """Keep the state of a run, and save it without secrets."""

    def __init__(self, nb: NotebookNode, *, secrets: set[str], on_cell: OnCell | None, **kwargs: Any) -> None:
        super().__init__(nb, **kwargs)
        self.secrets = secrets
        self.on_cell = on_cell
        self.working = _working(self.output_path)

    def cell_start(self, cell: NotebookNode, cell_index: int = 0, **kwargs: Any) -> None:
        """Mark a cell as running and report it."""
        super().cell_start(cell, cell_index, **kwargs)
        if self.on_cell:
            self.on_cell(cell_index, cell)

    def save(self, **kwargs: Any) -> None:
        """Write the notebook without widget state and secrets: whole, so that a kill leaves what was saved before."""
        self.nb.metadata.pop("widgets", None)
        redact.redact(self.nb, self.secrets)
        if self.working is None:
            super().save(**kwargs)
            return
        self.working.write(nbformat.writes(self.nb))
        self.last_save_time = self.now()

    def notebook_complete(self, **kwargs: Any) -> None:
        """Close the record. Cells that never ran stay pending; papermill would call them completed."""
        pending = [cell for cell in self.nb.cells if cell.metadata.papermill["status"] == self.PENDING]
        super().notebook_complete(**kwargs)
        for cell in pending:
            cell.metadata.papermill["status"] = self.PENDING
        self.nb.metadata[provenance.KEY].update(provenance.collected(self.nb))
        self.save()
        trust.sign(self.nb)  # so that JupyterLab of the same user trusts it


class RecordEngine(NBClientEngine):
    """Run a notebook and keep a true record of it."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        on_cell: OnCell | None = None,
        **kwargs: Any,
    ) -> NotebookNode:
        """Execute all cells, as papermill's engines do. Calls `on_cell(index, cell)` when a cell starts.

        Raises KeyboardInterrupt if a signal ended the run and no cell has it as an error.
        """
        manager = RecordManager(
            nb,
            secrets=_secrets(),
            on_cell=on_cell,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        nb.metadata[provenance.KEY] = {**_described(nb, kernel_name), "status": "running"}
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **kwargs)
        except BaseException:
            if nb.metadata[provenance.KEY]["status"] == "running":
                nb.metadata[provenance.KEY]["status"] = "failed"
            raise
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
            if manager.working:
                manager.working.close()
        return manager.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: RecordManager,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        on_display: OnDisplay | None = None,
        **kwargs: Any,
    ) -> None:
        """Execute the cells in a kernel that knows that it is headless."""
        kwargs.pop("input_path", None)
        client = RecordClient(
            nb_man,
            on_display=on_display,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            **{"coalesce_streams": True, "interrupt_on_timeout": True, **kwargs},
        )
        about = nb_man.nb.metadata[provenance.KEY]
        record = {"path": _place(nb_man.output_path), "run": about["run"], "notebook": about["notebook"]}
        ours = {"SBK_HEADLESS": "1", RECORD: json.dumps(record), provenance.SCHEDULED: ""}
        client.execute(env={**os.environ, **ours})
        nb_man.nb.metadata[provenance.KEY]["status"] = _status(nb_man.nb, client)
        if client.signal and not nb_man.nb.metadata.papermill.get("exception"):
            raise KeyboardInterrupt(client.signal.name)


def _working(output: str | None) -> WorkingFile | None:
    """Return the file of a record; what else papermill can write to, such as a pipe or a bucket, it writes itself."""
    path = Path(output or "")
    return WorkingFile(path.resolve()) if path.is_absolute() and path.suffix == ".ipynb" else None


def _described(nb: NotebookNode, kernel_name: str) -> dict[str, Any]:
    papermill = nb.metadata.get("papermill", {})
    return {
        **provenance.environment(),
        "run": uuid.uuid4().hex,
        "kernel": kernel_name,
        "notebook": Path(papermill.get("input_path") or "notebook").name,
        "parameters": sorted(provenance.injected(nb)),
        **provenance.scheduled(),
    }


def _place(output: str | None) -> str:
    """Return how an image that is made in this run is to name its record: below the records of the site if it can be.

    The record gets another name when it is finished.
    """
    if not output:
        return ""
    path, records = Path(output).absolute(), site_directory() / "records"
    return names.begun(path.relative_to(records)) if path.is_relative_to(records) else str(path)


def _status(nb: NotebookNode, client: RecordClient) -> str:
    if client.signal:
        return "interrupted"
    if client.died:
        return "kernel-died"
    return "failed" if nb.metadata.papermill.get("exception") else "ok"


def _secrets() -> set[str]:
    """Return what must not be in a record; without a site, the secrets of the environment."""
    with suppress(SbkernelError), Site.open(create=False) as site:
        return redact.known(site)
    return redact.from_environment()
