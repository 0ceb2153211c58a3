"""Make the HTML of a record: one file without scripts that loads nothing from anywhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from sbkernel import resources
from sbkernel.records import provenance

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
    """Write the HTML of a record."""
    page, _ = RecordExporter().from_notebook_node(nbformat.read(path_ipynb, as_version=4))
    path_html.write_text(page, "utf-8")


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
