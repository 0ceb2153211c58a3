"""The process of a job on this machine: `python -m sbkernel.jobs.worker JOBDIR LOCKFD [LIFELINE]`.

It calls the order's target, or has another place carry it out, and writes down what happens. SIGTERM raises
JobCancelledError in there, once. Killed are it and all it started when the other end of the pipe LIFELINE is closed:
so a job ends with the process for which it runs.
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
from sbkernel.files import write_whole
from sbkernel.jobs import origin
from sbkernel.jobs.blobs import inputs_of
from sbkernel.jobs.journal import Journal
from sbkernel.jobs.launchers import HERE, launcher_named
from sbkernel.jobs.launchers.relay import FailedThereError, Relayed
from sbkernel.jobs.order import Order
from sbkernel.jobs.processes import kill_session, start_ticks
from sbkernel.site import Site

GRACE_S = 10.0


def main(argv: list[str]) -> int:
    """Run the job in a directory and return the exit status: 0 if it succeeded."""
    directory = Path(argv[0])
    os.set_inheritable(int(argv[1]), False)
    if len(argv) > 2:
        threading.Thread(target=_die_with, args=(int(argv[2]),), daemon=True).start()
    journal = Journal(directory)
    _raise_on_sigterm()
    state, details = _outcome(directory, journal)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if state != "succeeded":
        kill_session(os.getpid(), spare=os.getpid())  # what the target started and could not end
    journal.state(state, **details)
    return 0 if state == "succeeded" else 1


def _outcome(directory: Path, journal: Journal) -> tuple[str, dict[str, Any]]:
    """Run the target; return the final state and what is recorded with it."""
    try:
        # Whoever cancels writes `cancel` and then reads `pid`, so that either he or we see what the other wrote.
        process = {"pid": os.getpid(), "start_ticks": start_ticks(os.getpid())}
        write_whole(directory / "pid", json.dumps(process), mode=0o600)
        journal.state("running", pid=os.getpid())
        if (directory / "cancel").exists():
            return "cancelled", {}
        _run(directory, journal)
    except (JobCancelledError, KeyboardInterrupt):
        return "cancelled", {}
    except Exception as error:
        if not isinstance(error, FailedThereError):
            journal.log(traceback.format_exc())
        if (directory / "cancel").exists():
            return "cancelled", {}
        return "failed", _describe(error)
    return "succeeded", {}


def _run(directory: Path, journal: Journal) -> None:
    order = Order.from_json((directory / "order.json").read_text())
    spec = json.loads((directory / "spec.json").read_text())
    origin.within(spec["id"], spec.get("record"))
    with Site.open(spec["site"]) as site:
        place = launcher_named(spec.get("launcher", HERE))
        if isinstance(place, Relayed):
            place.carry_out(order, inputs_of(site), journal, journal.received)
            return
        result = _load(order.target)(site, report=journal, **order.arguments, **_handed(order, site))
        if isinstance(result, dict):
            journal.result(**result)


def _handed(order: Order, site: Site) -> dict[str, Any]:
    """Return what a target gets beside its arguments, if the order has it: inputs by name, the plan's digest."""
    handed: dict[str, Any] = {"plan": order.plan} if order.plan else {}
    if order.inputs:
        inputs = inputs_of(site)
        handed["inputs"] = {name: inputs.path(digest) for name, digest in order.inputs.items()}
    return handed


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
    _kill_all()


def _die_with(lifeline: int) -> None:
    """Wait until nobody holds the other end of a pipe, and end then, without cleaning up."""
    os.set_inheritable(lifeline, False)
    os.read(lifeline, 1)
    _kill_all()


def _kill_all() -> None:
    kill_session(os.getpid(), spare=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
