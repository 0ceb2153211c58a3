"""What became of each object of a verb over many: whether it was done, and what there is to say about it."""

from __future__ import annotations

from typing import NamedTuple

from sbkernel.errors import SbkernelError


class Said(NamedTuple):
    """One message."""

    kind: str
    """Error or Warning."""
    text: str


class ObjectOutcome(NamedTuple):
    """What became of one object."""

    name: str
    done: bool = False
    created: bool = False
    failed: bool = False
    """Not all of it could be done; an Error may also be said of what was done."""
    said: tuple[Said, ...] = ()


def errors(*faults: SbkernelError | str) -> tuple[Said, ...]:
    """Return errors as messages."""
    return tuple(Said("Error", str(fault)) for fault in faults)


def warnings(*texts: str) -> tuple[Said, ...]:
    """Return warnings as messages."""
    return tuple(Said("Warning", text) for text in texts)
