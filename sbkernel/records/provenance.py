"""What a record says about itself: who ran it, where, with what, and what came out.

Displays put a small `sbkernel` entry into the metadata of their output, such as the id of a job or the digest of an
image. It is collected here. So a notebook needs nothing but its outputs, and records of plain papermill have it, too.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from sbkernel import __version__

KEY = "sbkernel"
SCHEDULED = "SBKERNEL_SCHEDULED"
"""Names in the environment of a scheduled run its schedule and the id that the run is to have, as JSON text."""


def environment() -> dict[str, Any]:
    """Return host, user, versions and the command line of this run."""
    return {
        "host": socket.gethostname(),
        "user": _user(),
        "version": __version__,
        "python": platform.python_version(),
        "argv": list(sys.argv),
    }


def scheduled() -> dict[str, str]:
    """Return by which schedule this is run, as `scheduled`, and the id of the run; nothing if somebody runs it."""
    try:
        found = json.loads(os.environ.get(SCHEDULED, ""))
        return {"scheduled": str(found["by"]), "run": str(found["run"])}
    except (ValueError, TypeError, KeyError):
        return {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def entries(notebook: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Yield the `sbkernel` entries in the metadata of outputs, in order."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            entry = output.get("metadata", {}).get(KEY)
            if entry:
                yield entry


def collected(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the outputs tell, in order: jobs, image digests, how long jobs and boots took, sizes of images.

    `timings` are seconds by job: in all, and by phase. `boots` are seconds from power-on by node.
    """
    found = list(entries(notebook))
    return {
        "jobs": list(dict.fromkeys(entry["job"] for entry in found if "job" in entry)),
        "digests": {entry["image"]: entry["digest"] for entry in found if "image" in entry and "digest" in entry},
        "timings": {entry["job"]: entry["timing"] for entry in found if "job" in entry and "timing" in entry},
        "sizes": {entry["image"]: entry["sizes"] for entry in found if "image" in entry and "sizes" in entry},
        "boots": {node: took for entry in found for node, took in entry.get("boots", {}).items()},
    }


def injected(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that papermill has injected."""
    return dict(notebook["metadata"].get("papermill", {}).get("parameters", {}))
