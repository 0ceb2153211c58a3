"""Finish the record of a run that could not do it, or that does not know why it was stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sbkernel.files import write_whole
from sbkernel.records import names, provenance
from sbkernel.records.schedules.last import Last
from sbkernel.records.working import mode_of
from sbkernel.site import Site

_BEFORE_S, _AFTER_S = 60.0, 3600.0
"""How much earlier or later than its guard a run may seem to begin: clocks are set, and hosts are busy."""


def find(site: Site, last: Last) -> Path | None:
    """Return the notebook of a run as it is called now, None if it has none."""
    began = datetime.fromtimestamp(last.started, UTC)
    folders = {names.folder(site.records, began + timedelta(seconds=after)) for after in (0.0, _AFTER_S)}
    stamp = f"{began - timedelta(seconds=_BEFORE_S):%Y%m%dT%H%M%S}"
    found = (path for folder in folders for path in sorted(folder.glob("*.ipynb")) if path.name >= stamp)
    return next((path for path in found if names.run_of(path) == last.run), None)


def status(path: Path) -> str:
    """Return how a record says that its run ended; "" if it cannot be read."""
    try:
        return str(json.loads(path.read_bytes())["metadata"][provenance.KEY]["status"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def close(path: Path, why: str) -> Path:
    """Say in a record that its run was interrupted and why; return its path, which changes if it was running.

    The cell that was running has failed; those after it have not run. Only what was signed is signed again: what a
    killed run has left may have been changed by others since.
    """
    import nbformat

    from sbkernel.records import trust
    from sbkernel.records.export import export

    is_own = trust.is_own(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata[provenance.KEY].update(status="interrupted", why=why)
    for cell in notebook.cells:
        about = cell.metadata.get("papermill", {})
        if about.get("status") == "running":
            about["status"] = "failed"
    write_whole(path, nbformat.writes(notebook), mode=mode_of(path))
    if is_own:
        trust.sign(notebook)
    final = path
    if names.is_unfinished(path):
        stem = Path(names.begun(path)).name
        final = path.rename(names.free(path.parent, f"{stem}-interrupted", ".ipynb"))
    export(final, final.with_suffix(".html"))
    return final
