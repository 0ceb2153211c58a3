"""The directory and the name of a record."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sbkernel.records import working

STATUSES = ("running", "ok", "failed", "interrupted", "kernel-died")
_TIME = "%Y%m%dT%H%M%SZ"
_STATUS = re.compile(rf"-({'|'.join(STATUSES)})(\.\d+)?\.ipynb$")
_RUNNING = re.compile(r"-running(\.\d+)?\.ipynb$")


def stem(started: datetime, notebook: str, image: str, status: str) -> str:
    """Return `<utc>-<notebook>-<image>-<status>` without the empty parts."""
    parts = (started.strftime(_TIME), _safe(notebook), _safe(image), status)
    return "-".join(part for part in parts if part)


def folder(records: Path, started: datetime) -> Path:
    """Return `records/YYYY/MM`."""
    return records / started.strftime("%Y") / started.strftime("%m")


def free(directory: Path, name: str, suffix: str) -> Path:
    """Return an unused path in the directory. A second run in the same second gets `.2`."""
    number, path = 1, directory / f"{name}{suffix}"
    while path.exists():
        number += 1
        path = directory / f"{name}.{number}{suffix}"
    return path


def begun(path: Path) -> str:
    """Return the path of a record without its status, which changes, and what follows it."""
    return _STATUS.sub("", str(path))


def is_running(path: Path) -> bool:
    """Tell whether a record is being made: it has the name for that, and the process that makes it lives."""
    return is_unfinished(path) and working.is_locked(path)


def is_unfinished(path: Path) -> bool:
    """Tell whether a record has the name that it gets while it runs, which it keeps if the run is killed."""
    return _RUNNING.search(path.name) is not None


def started(path: Path) -> float:
    """Return when the record of that name began, in seconds since the epoch; 0.0 if the name does not say so."""
    try:
        return datetime.strptime(path.name.partition("-")[0], _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def notebook(path: Path) -> str:
    """Return the first word of the name after the time: the notebook, or how its name begins."""
    return Path(path.name).stem.partition("-")[2].partition("-")[0]


def of_run(records: Path, record: Mapping[str, str]) -> Path | None:
    """Return the notebook of a run that an image names (jobs/origin.py), whatever it is called by now; None if gone."""
    path, run = record.get("path", ""), record.get("run", "")
    said = isinstance(path, str) and isinstance(run, str) and path.isprintable() and not Path(path).is_absolute()
    if not said or not path or not run or ".." in Path(path).parts:
        return None
    begun = records / path
    found = [begun] if begun.suffix == ".ipynb" else sorted(begun.parent.glob(f"{glob.escape(begun.name)}-*.ipynb"))
    return next((one for one in found if run_of(one) == run), None)


def run_of(notebook: Path) -> str:
    """Return which run a record is of; "" of what is no record, or cannot be read."""
    try:
        return str(json.loads(notebook.read_bytes())["metadata"]["sbkernel"]["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text)[:80]
