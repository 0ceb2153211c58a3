"""Records as runs leave them, written in no time: for what looks at many of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sbkernel.records import names
from sbkernel.site import Site

FIRST = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def record(
    site: Site,
    notebook: str = "build",
    image: str = "img",
    status: str = "ok",
    *,
    hours: float = 0,
    who: str = "ann",
    run: str = "",
    given: Mapping[str, Any] | None = None,
    entries: Sequence[Mapping[str, Any]] = (),
    source: str = "print(image)",
    text: str = "x",
    page: bool = True,
) -> Path:
    """Write the record of a run that began some hours after FIRST; `entries` are what its displays tell."""
    when = FIRST + timedelta(hours=hours)
    values = {"image": image, **(given or {})}
    outputs = [new_output("display_data", {"text/plain": text}, metadata={"sbkernel": dict(one)}) for one in entries]
    cells = [
        new_markdown_cell(f"# A {notebook} notebook", metadata={"papermill": {"status": "completed"}}),
        new_code_cell('image: str = "none"  # osimage\nforce: bool = False  # anew', metadata={"tags": ["parameters"]}),
        new_code_cell(f"# Parameters\nimage = {image!r}", metadata={"tags": ["injected-parameters"]}),
        new_code_cell(source, outputs=outputs or [new_output("stream", text=text)]),
    ]
    made = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "x"}})
    made.metadata["papermill"] = {
        "parameters": values, "start_time": when.isoformat(), "end_time": when.isoformat(), "duration": 12.5,
        "exception": None, "input_path": f"/gone/{notebook}.ipynb",
    }  # fmt: skip
    made.metadata["sbkernel"] = {
        "status": status, "run": run or uuid4().hex, "notebook": f"{notebook}.ipynb", "user": who, "host": "head",
        "version": "0.1.0", "argv": ["sb", "run", notebook],
    }  # fmt: skip
    folder = names.folder(site.records, when)
    folder.mkdir(parents=True, exist_ok=True)
    path = names.free(folder, names.stem(when, notebook, image, status), ".ipynb")
    nbformat.write(made, path)
    if page:
        path.with_suffix(".html").write_text(f"<title>{text}</title>")
    return path
