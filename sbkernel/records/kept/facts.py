"""What a record says of a run, read from its notebook: plain values, so that thousands can be kept in an index."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sbkernel.records import library, names, provenance, working
from sbkernel.records.kept.believed import believed, number

DAMAGED, UNFINISHED = "damaged", "unfinished"
_ADDED = {"injected-parameters", "papermill-error-cell-tag"}
_LONGEST_ERROR = 400
_WRITING_S = 2.0
Notebook = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """One record. `path` is that of its notebook below the records of the site; times are seconds (since the epoch).

    `scheduled` names the schedule that ran it, `why` says why it was ended from outside; both are mostly "".
    `parameters` are all that the notebook ran with, `given` those that were not its defaults. `sources` is the digest
    of the notebook that ran (library.py), `came_from` its path. `timings`, `sizes` and `boots` as in provenance.py.
    """

    path: str
    status: str
    notebook: str = ""
    run: str = ""
    when: float = 0.0
    seconds: float | None = None
    who: str = ""
    host: str = ""
    image: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    error: str = ""
    why: str = ""
    scheduled: str = ""
    argv: tuple[str, ...] = ()
    version: str = ""
    sources: str = ""
    came_from: str = ""
    jobs: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=dict)
    boots: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of its file without the suffix."""
        return Path(self.path).stem

    @property
    def ok(self) -> bool:
        """Tell whether every cell ran."""
        return self.status == "ok"

    @property
    def digest(self) -> str:
        """Return the digest of the image that it shows, "" if it shows none."""
        return self.digests.get(self.image, "")

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the noderanges that it ran with."""
        values = (self.parameters.get(name, "") for name in ("node", "nodes", "noderange"))
        return tuple(",".join(map(str, one)) if isinstance(one, list) else str(one) for one in values if one)

    @property
    def started(self) -> str:
        """Return when it began, for people."""
        return datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%d %H:%M:%S") if self.when else "?"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**vars(self), "name": self.name, "digest": self.digest}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Kept:
        """Return the record that as_dict() has described, also where that went through JSON."""
        values: dict[str, Any] = {key: data[key] for key in cls.__dataclass_fields__ if key in data}
        values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return cls(**values)


def read(records: Path, path: Path) -> Kept | None:
    """Return what a record says of itself; None for a notebook that never ran. FileNotFoundError if it is gone.

    A run whose process was killed is `interrupted`: its file still says that it is running, but nobody holds its lock.
    """
    below = str(path.relative_to(records))
    running = working.is_locked(path)  # asked first: one that ends meanwhile has its true status in what is read next
    try:
        notebook = json.loads(path.read_bytes())
        return _of(below, notebook, running)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        half = names.is_unfinished(path)
        status = "running" if running or (half and _was_just_written(path)) else "interrupted" if half else DAMAGED
        return Kept(below, status, when=names.started(path), notebook=names.notebook(path))


def _was_just_written(path: Path) -> bool:
    """Tell whether papermill may be writing the file right now, which it does once more, in place, after the engine."""
    return time.time() - path.stat().st_mtime < _WRITING_S


def _of(path: str, notebook: Notebook, running: bool) -> Kept | None:
    run = notebook["metadata"].get("papermill", {})
    about = notebook["metadata"].get(provenance.KEY, {})
    if not run.get("start_time"):
        return None
    injected = provenance.injected(notebook)
    values = {**dict(defaults(notebook)), **injected}
    found = believed(provenance.collected(notebook))
    came_from = _text(run.get("input_path"))
    return Kept(
        path=path,
        status=_status(about, run, running),
        notebook=Path(_text(about.get("notebook")) or came_from or "notebook").stem,
        run=_text(about.get("run")),
        when=datetime.fromisoformat(run["start_time"]).timestamp(),
        seconds=number(run.get("duration")),
        who=_text(about.get("user")),
        host=_text(about.get("host")),
        image=_text(values.get("image")) or next(iter(found["digests"]), ""),
        parameters=values,
        given=tuple(injected),
        error=_error(notebook),
        why=_text(about.get("why")),
        scheduled=_text(about.get("scheduled")),
        argv=tuple(map(str, about.get("argv", ()))),
        version=_text(about.get("version")),
        sources=library.digest_of(sources(notebook)),
        came_from=came_from,
        **found,
    )


def sources(notebook: Notebook) -> list[Mapping[str, Any]]:
    """Return the cells that the notebook had before papermill added some."""
    return [cell for cell in notebook["cells"] if not _ADDED & set(cell["metadata"].get("tags", ()))]


def defaults(notebook: Notebook) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that a notebook declares, with the values of those that are literals."""
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            yield from _assigned("".join(cell["source"]))


def _assigned(source: str) -> Iterator[tuple[str, Any]]:
    try:
        lines = ast.parse(source).body
    except SyntaxError:
        return
    for line in lines:
        targets: Iterable[ast.expr] = line.targets if isinstance(line, ast.Assign) else ()
        target = line.target if isinstance(line, ast.AnnAssign) else next(iter(targets), None)
        value = line.value if isinstance(line, ast.AnnAssign | ast.Assign) else None
        if isinstance(target, ast.Name) and value is not None:
            try:
                yield target.id, ast.literal_eval(value)
            except ValueError:
                continue


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _status(about: Mapping[str, Any], run: Mapping[str, Any], running: bool) -> str:
    said = str(about.get("status", ""))
    if said == "running":
        return said if running else "interrupted"
    if said:
        return said
    if run.get("exception"):
        return "failed"
    return "ok" if run.get("end_time") else UNFINISHED  # plain papermill: nobody knows whether it still runs


def _error(notebook: Notebook) -> str:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                return f"{output['ename']}: {output['evalue']}"[:_LONGEST_ERROR]
    return ""
