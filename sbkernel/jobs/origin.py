"""Who asked for what this process does: a job, and the run of a notebook in which it was started.

A notebook that is run for a record says so in the environment of its kernel. A job that is started there keeps it in
its spec.json, and programs that we start get nothing of it: what they make must not depend on it.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECORD = "SBKERNEL_RECORD"
"""Names in the environment of a kernel the record that is being made, as JSON text."""
# Jupyter Server names the notebook of a kernel so, by its path.
_SESSION = "JPY_SESSION_NAME"
_KNOWN = ("path", "run", "notebook")


@dataclass(frozen=True)
class Origin:
    """A job by its id, and a record.

    The record has `path`, below the site's records and without the status at its end, `run`, which is in the metadata
    of the notebook, and `notebook`, its name; of a notebook that is merely open in JupyterLab the last one alone.
    """

    job: str = ""
    record: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what is known of it."""
        known = {"job": self.job, "record": dict(self.record)}
        return {key: value for key, value in known.items() if value}


_of_job: Origin | None = None


def within(job: str, record: object) -> None:
    """Say that this process is a job, started in a record; what its spec says is believed if it can be."""
    global _of_job
    _of_job = Origin(job, _checked(record))


def current() -> Origin:
    """Return who asked for what this process does; an empty origin where nobody said."""
    return _of_job or Origin("", _of_environment())


def signed() -> dict[str, Any]:
    """Return who does something now: t (seconds since the epoch), by, host, and the origin as far as it is known."""
    return {"t": time.time(), "by": getpass.getuser(), "host": socket.gethostname(), **current().as_dict()}


def _of_environment() -> dict[str, str]:
    try:
        found = _checked(json.loads(os.environ.get(RECORD, "null")))
    except ValueError:
        found = {}
    session = os.environ.get(_SESSION, "")
    return found or ({"notebook": session} if session else {})


def _checked(record: object) -> dict[str, str]:
    given = record if isinstance(record, Mapping) else {}
    return {key: given[key] for key in _KNOWN if isinstance(given.get(key), str)}
