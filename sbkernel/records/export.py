"""Make the HTML of a record: one file without scripts that loads nothing from anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from sbkernel import resources
from sbkernel.files import write_whole
from sbkernel.records import provenance
from sbkernel.records.working import mode_of

LARGEST_BYTES = 990_000
_PART = 2000
_LEFT_OUT = "… left out of this page, which would be too large; the notebook beside it has all of it …"
_Part = tuple[int, Callable[[], None]]  # its length in characters, and what cuts it
_PRIORITY = ["text/html", "text/markdown", "image/png", "image/jpeg", "text/latex", "text/plain"]


class RecordExporter(HTMLExporter):
    """`jupyter nbconvert --to sbrecord`: a self-contained page that shows what ran, who ran it, and what came out."""

    export_from_notebook = "sbkernel record"

    @property
    def default_config(self) -> Config:
        """Prefer HTML to widgets, which need a kernel, and leave out the prompts."""
        config = Config({"NbConvertBase": {"display_data_priority": _PRIORITY}})
        config.merge(Config({"TemplateExporter": {"exclude_input_prompt": True, "exclude_output_prompt": True}}))
        base: Config = super().default_config
        base.merge(config)
        return base

    @default("template_name")
    def _template_name_default(self) -> str:
        return "sbrecord"

    @default("extra_template_basedirs")
    def _default_extra_template_basedirs(self) -> list[str]:
        return [str(resources.templates() / "jupyter" / "nbconvert")]

    @default("embed_images")
    def _embed_images_default(self) -> bool:
        return True

    @default("exclude_anchor_links")
    def _exclude_anchor_links_default(self) -> bool:
        return True

    def from_notebook_node(  # type: ignore[override]  # nbconvert's own subclasses return text as well
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Convert a notebook. Nothing in it may make the page load anything."""
        nb.metadata.pop("widgets", None)
        given = {**(resources or {}), "record": summary(nb)}
        return super().from_notebook_node(nb, given, **kwargs)


def summary(nb: NotebookNode) -> dict[str, Any]:
    """Return what the header of the page shows. A plain notebook or a record of plain papermill has less to show."""
    run = nb.metadata.get("papermill", {})
    about = nb.metadata.get(provenance.KEY, {})
    return {
        "title": _title(nb) or about.get("notebook", "Record"),
        "status": about.get("status") or _papermill_status(run),
        "notebook": about.get("notebook") or Path(run.get("input_path") or "").name,
        "who": "@".join(part for part in (about.get("user"), about.get("host")) if part),
        "scheduled": about.get("scheduled", ""),
        "why": about.get("why", ""),
        "when": _when(run.get("start_time")),
        "duration_s": run.get("duration"),
        "version": about.get("version", ""),
        "parameters": provenance.injected(nb),
        **provenance.collected(nb),
    }


def export(path_ipynb: Path, path_html: Path) -> None:
    """Write the HTML of a record, which the same may read as its notebook."""
    write_whole(path_html, page(nbformat.read(path_ipynb, as_version=4)), mode=mode_of(path_ipynb))


def page(notebook: NotebookNode) -> str:
    """Return the HTML of a record, under a megabyte: what is too long for that is cut in the notebook that was given.

    Single outputs and sources are cut first, the longest before the others; if that is not enough, whole cells.
    """
    text, _ = RecordExporter().from_notebook_node(notebook)
    for parts in (_texts(notebook), _cells(notebook)):
        while (excess := len(text.encode()) - LARGEST_BYTES) > 0 and parts:
            while parts and excess > 0:
                weight, shorten = parts.pop()
                excess -= weight
                shorten()
            text, _ = RecordExporter().from_notebook_node(notebook)
    return text


def _texts(notebook: NotebookNode) -> list[_Part]:
    """Return the outputs and sources that are long, the longest last."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    texts = [(len(cell.source), partial(_cut, cell, "source")) for cell in notebook.cells]
    texts += [(len(json.dumps(output)), partial(_cut_output, output)) for output in outputs]
    return sorted((part for part in texts if part[0] > 3 * _PART), key=lambda part: part[0])


def _cells(notebook: NotebookNode) -> list[_Part]:
    cells = [(len(json.dumps(cell)), partial(_empty, cell)) for cell in notebook.cells]
    return sorted(cells, key=lambda part: part[0])


def _cut_output(output: NotebookNode) -> None:
    if "data" in output:
        text = str(output.data.get("text/plain", ""))
        text = f"{text}\n{_LEFT_OUT}" if len(text) <= 2 * _PART else _shortened(text)
        output.data = NotebookNode({"text/plain": text})
    elif output.output_type == "error":
        output.traceback = [_shortened("\n".join(output.traceback))]
    else:
        _cut(output, "text")


def _empty(cell: NotebookNode) -> None:
    cell.source = _LEFT_OUT
    if "outputs" in cell:
        cell.outputs = []


def _cut(of: NotebookNode, key: str) -> None:
    of[key] = _shortened(of[key])


def _shortened(text: str) -> str:
    return f"{text[:_PART]}\n{_LEFT_OUT}\n{text[-_PART:]}"


def _title(nb: NotebookNode) -> str:
    for cell in nb.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("# "):
                return str(line[2:].strip())
    return ""


def _papermill_status(run: Any) -> str:
    if not run.get("start_time"):
        return "not run"
    return "failed" if run.get("exception") else "ok"


def _when(text: str | None) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S UTC") if text else ""
