"""The directory and the name of a record."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

STATUSES = ("running", "ok", "failed", "interrupted", "kernel-died")


def stem(started: datetime, notebook: str, image: str, status: str) -> str:
    """Return `<utc>-<notebook>-<image>-<status>` without the empty parts."""
    parts = (started.strftime("%Y%m%dT%H%M%SZ"), _safe(notebook), _safe(image), status)
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
    """Return the path of a record that is running without its status, which changes, and what follows it."""
    return re.sub(r"-running(\.\d+)?\.ipynb$", "", str(path))


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text)[:80]
