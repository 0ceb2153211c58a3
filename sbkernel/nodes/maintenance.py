"""What a node's controller tells of its hardware, and its light: the protocol behind rinv, rvitals, reventlog, rbeacon.

inventory, readings, events and beacon ask and may be repeated; clear_events and set_beacon are sent once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

ENTRIES_MAX = 5000
"""Of a longer event log only the newest entries are read."""
TEXT_MAX = 200
_UNPRINTABLE = r"[^ -~\u00a1-\u1fff\u2c00-\ud7ff]+"
"""It is compiled when it is used first: that takes 3 ms, which each start of the service would wait for."""


@dataclass(frozen=True)
class Item:
    """One line of an inventory; `kind` is xCAT's word for what it is."""

    kind: str
    name: str
    value: str


@dataclass(frozen=True)
class Reading:
    """What one sensor says: a number with its unit, or a state. `health` is ok, warning, critical, or unset."""

    kind: str
    name: str
    value: float | None = None
    unit: str = ""
    state: str = ""
    health: str = ""


@dataclass(frozen=True)
class LogEntry:
    """One event: its time as the controller writes it, what it is about, and what happened."""

    time: str
    source: str
    event: str
    severity: str = ""


class Maintenance(Protocol):
    """The hardware of one node as its controller knows it. Every call raises ControlError."""

    @property
    def node(self) -> str:
        """The name of the node."""
        ...

    async def inventory(self) -> list[Item]:
        """Return what the node is made of."""
        ...

    async def readings(self) -> list[Reading]:
        """Return what its sensors say."""
        ...

    async def events(self) -> list[LogEntry]:
        """Return the event log, oldest first."""
        ...

    async def clear_events(self) -> None:
        """Empty the event log."""
        ...

    async def beacon(self) -> str:
        """Return the state of the light that shows where the node is: on, blink, off."""
        ...

    async def set_beacon(self, state: str) -> None:
        """Switch that light."""
        ...


def plain(said: object, most: int = TEXT_MAX) -> str:
    """Return text of a controller as one short line without what a terminal would act on."""
    line = " ".join(re.sub(_UNPRINTABLE, " ", str(said)[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
