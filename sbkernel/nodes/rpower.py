"""xCAT's rpower: power nodes on and off, reset them, ask.

The texts are those of xCAT for mgt=ipmi: what is printed is what was done, e.g. `reset` for `boot` on a running
node; nothing is sent to a node that is already as wanted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from sbkernel.errors import DefinitionError
from sbkernel.nodes.bmc import Bmc
from sbkernel.nodes.chassis import Control
from sbkernel.nodes.fanout import Logins, fan_out
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.results import NodeResult

ACTIONS = ("on", "off", "softoff", "reset", "boot", "cycle", "stat", "state", "status", "nmi")

_RUNNING: dict[str, tuple[Control | None, str]] = {
    "on": (None, "on"),
    "off": (Control.OFF, "off"),
    "softoff": (Control.SOFT, "softoff"),
    "reset": (Control.RESET, "reset"),
    "boot": (Control.RESET, "reset"),
    "cycle": (Control.CYCLE, "cycle"),
    "nmi": (Control.NMI, "nmi"),
}
_OFF: dict[str, tuple[Control | None, str]] = {
    "on": (Control.ON, "on"),
    "off": (None, "off"),
    "softoff": (None, "off"),
    "reset": (None, "off"),
    "boot": (Control.ON, "on"),
    "cycle": (Control.ON, "on"),
    "nmi": (None, "off"),
}


def decide(action: str, running: bool) -> tuple[Control | None, str]:
    """Return what to send to a node in this state (None: nothing) and what to print.

    Raises DefinitionError for an action that rpower does not have.
    """
    if action not in ACTIONS:
        raise DefinitionError(f"unsupported command rpower {action}", hint=f"rpower knows: {' '.join(ACTIONS)}")
    if action.startswith("stat"):
        return None, "on" if running else "off"
    return (_RUNNING if running else _OFF)[action]


async def power(bmc: Bmc, action: str) -> str:
    """Carry out one action on one node; return what to print. Raises BmcError."""
    control, text = decide(action, await bmc.power())
    if control is not None:
        await bmc.control(control)
    return text


async def rpower(logins: Logins, action: str, pool: Pool | None = None) -> AsyncIterator[NodeResult]:
    """Carry out an action on many nodes; one result per node as they come. Raises DefinitionError at once."""
    decide(action, False)
    async for result in fan_out(logins, lambda bmc: power(bmc, action), pool):
        yield result
