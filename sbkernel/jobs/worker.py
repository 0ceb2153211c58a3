"""The process of a job: `python -m sbkernel.jobs.worker JOBDIR LOCKFD`, started by job.start().

It runs the target and writes what happens. SIGTERM raises JobCancelledError inside the target, once.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from sbkernel.errors import JobCancelledError, SbkernelError
from sbkernel.jobs.journal import Journal
from sbkernel.jobs.processes import kill_session
from sbkernel.site import Site

GRACE_S = 10.0


def main(argv: list[str]) -> int:
    """Run the job in a directory and return the exit status: 0 if it succeeded."""
    directory = Path(argv[0])
    os.set_inheritable(int(argv[1]), False)
    journal = Journal(directory)
    _raise_on_sigterm()
    state, details = _outcome(directory, journal)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    journal.state(state, **details)
    return 0 if state == "succeeded" else 1


def _outcome(directory: Path, journal: Journal) -> tuple[str, dict[str, Any]]:
    """Run the target; return the final state and what is recorded with it."""
    try:
        journal.state("running", pid=os.getpid())
        if (directory / "cancel").exists():
            return "cancelled", {}
        _run(json.loads((directory / "spec.json").read_text()), journal)
    except (JobCancelledError, KeyboardInterrupt):
        return "cancelled", {}
    except Exception as error:
        journal.log(traceback.format_exc())
        if (directory / "cancel").exists():
            return "cancelled", {}
        return "failed", _describe(error)
    return "succeeded", {}


def _run(spec: dict[str, Any], journal: Journal) -> None:
    with Site.open(spec["site"]) as site:
        result = _load(spec["target"])(site, report=journal, **spec["kwargs"])
        if isinstance(result, dict):
            journal.result(**result)


def _load(target: str) -> Callable[..., Any]:
    module, _, function = target.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, SbkernelError):
        return {"error": error.message, "hint": error.hint}
    return {"error": f"{type(error).__name__}: {error}", "hint": None}


def _raise_on_sigterm() -> None:
    def cancelled(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_kill_after_grace, daemon=True).start()
        raise JobCancelledError("the job was cancelled")

    signal.signal(signal.SIGTERM, cancelled)


def _kill_after_grace() -> None:
    """End a target that does not end by itself; runs beside it because it may be stuck anywhere."""
    time.sleep(GRACE_S)
    kill_session(os.getpid(), spare=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
