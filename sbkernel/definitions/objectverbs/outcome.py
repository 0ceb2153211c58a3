"""What a verb did with each object: whether it succeeded, and what there is to say."""

from __future__ import annotations

from typing import NamedTuple

from sbkernel.errors import SbkernelError


class Said(NamedTuple):
    """One message."""

    kind: str
    """Error or Warning."""
    text: str


class ObjectOutcome(NamedTuple):
    """What a verb did with one object."""

    name: str
    done: bool = False
    created: bool = False
    failed: bool = False
    """Not everything could be done. There can also be an Error about something that was done."""
    said: tuple[Said, ...] = ()


def errors(*faults: SbkernelError | str) -> tuple[Said, ...]:
    """Return errors as messages."""
    return tuple(Said("Error", str(fault)) for fault in faults)


def warnings(*texts: str) -> tuple[Said, ...]:
    """Return warnings as messages."""
    return tuple(Said("Warning", text) for text in texts)
