"""Where jobs run: one protocol, one implementation a kind of place, chosen here by name.

A job is a directory on this machine wherever it runs, and its readers know no launcher.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol

from sbkernel.errors import NotFoundError
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.order import Order

HERE = "here"

_KINDS = {"dask": "sbkernel.jobs.launchers.dask"}
"""Modules of the places that are named KIND:ADDRESS; each has `at(address)`, which returns the launcher."""


class Launcher(Protocol):
    """A place where orders run.

    An order is followed in the job's directory: from start() until it has ended, wherever it runs, a process of this
    machine holds the lock there and appends to events.jsonl and log.txt, as a Journal does, and the last event is a
    final state. When that process ends without one, the job has failed. So work on another machine has to end when
    the connection does (relay.py).
    """

    def start(self, order: Order, inputs: Blobs, directory: Path, lock: int) -> None:
        """Start an order and return at once.

        `directory` holds order.json and spec.json already; `lock` is the descriptor that holds its lock until it is
        closed. `inputs` has the order's inputs; those that the place lacks are sent there by digest. Raises an
        SbkernelError, and leaves nothing running, when the order cannot start, as when an input is missing.
        """

    def cancel(self, directory: Path) -> None:
        """Ask an order to clean up and end, and return at once; what is left after 10 s is killed."""

    def kill(self, directory: Path) -> None:
        """End every process of an order at once, without cleaning up."""

    def fetch(self, directory: Path, digest: str, into: Blobs) -> None:
        """Bring an artefact of an order here; NotFoundError when there is none, JobError when it came damaged."""


def launcher_named(name: str) -> Launcher:
    """Return the launcher of a name: here, KIND:ADDRESS, or a host of ssh as [USER@]HOST[:PORT].

    NotFoundError when there is no such place; nobody asks whether there is such a host.
    """
    if name == HERE:
        from sbkernel.jobs.launchers.here import Here

        return Here()
    kind, colon, address = name.partition(":")
    if colon and kind in _KINDS:
        launcher: Launcher = importlib.import_module(_KINDS[kind]).at(address)
        return launcher
    from sbkernel.jobs.launchers.ssh import Ssh, read_address

    host = read_address(name)
    if host is None:
        kinds = "".join(f", or {one}:ADDRESS" for one in _KINDS)
        raise NotFoundError(
            f"there is no place {name!r} to run jobs at",
            hint=f"{HERE}, or a host of ssh such as build1, admin@build1 or build1:2222{kinds}",
        )
    return Ssh(host)
