"""What a simulated BMC knows; the commands read and change it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sbkernel.nodes.simulator.faults import Faults, Kind
from sbkernel.nodes.simulator.machine import Machine
from sbkernel.nodes.simulator.serial import SerialConsole
from sbkernel.nodes.simulator.session import Session


@dataclass
class BmcState:
    """The machine, who is logged in, and who is about to be logged out; `port` is what SOL clients are told.

    `arrived` counts the requests inside sessions by their kind, those that a fault loses too.
    """

    machine: Machine
    guid: bytes
    faults: Faults
    kg: bytes = b""
    port: int = 623
    sessions: dict[int, Session] = field(default_factory=dict)
    console: SerialConsole = field(default_factory=SerialConsole)
    arrived: Counter[Kind] = field(default_factory=Counter)
    closing: int | None = None

    def end(self, number: int) -> None:
        """End a session and free its console."""
        session = self.sessions.pop(number, None)
        if session is not None:
            self.console.drop(session)
