"""xCAT's rpower: power nodes on and off, reset them, ask.

The texts are those of xCAT for mgt=ipmi: what is printed is what was done, e.g. `reset` for `boot` on a running
node; nothing is sent to a node that is already as wanted.
"""

from __future__ import annotations

import time

from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import ControlError, LostAnswerError
from sbkernel.nodes.power import Power, PowerChange

SETTLE_S = 5.0
"""How long a change whose answer was lost may take until it shows."""
_LOOK_EVERY_S = 0.5

_ASKS = ("stat", "state", "status")
_RUNNING: dict[str, PowerChange | None] = {
    "on": None,
    "off": PowerChange.OFF,
    "softoff": PowerChange.SOFT_OFF,
    "reset": PowerChange.RESET,
    "boot": PowerChange.RESET,
    "cycle": PowerChange.CYCLE,
    "nmi": PowerChange.NMI,
}
_OFF = {"on": PowerChange.ON, "boot": PowerChange.ON, "cycle": PowerChange.ON}
_UNCERTAIN = {
    PowerChange.SOFT_OFF: "may be shutting down",
    PowerChange.CYCLE: "may have been power-cycled",
    PowerChange.RESET: "may have been reset",
    PowerChange.NMI: "may have got the NMI",
}

POWER_ACTIONS = (*_RUNNING, *_ASKS)


def decide(action: str, running: bool) -> tuple[PowerChange | None, str]:
    """Return what to send to a node in this state (None: nothing) and what to print.

    Raises DefinitionError for an action that rpower does not have.
    """
    if action not in POWER_ACTIONS:
        raise DefinitionError(f"unsupported command rpower {action}", hint=f"rpower knows: {' '.join(POWER_ACTIONS)}")
    change = (_RUNNING if running else _OFF).get(action)
    return change, change.value if change else "on" if running else "off"


def asks(action: str) -> bool:
    """Return whether an action only asks. Raises DefinitionError for one that rpower does not have."""
    decide(action, False)
    return action in _ASKS


async def carry_out(power: Power, change: PowerChange) -> None:
    """Send a change once. When its answer is lost, read the state to tell whether it was made.

    Raises ControlError; LostAnswerError when the change was not made, or when the state cannot tell.
    """
    try:
        await power.change(change)
    except LostAnswerError as lost:
        running = await _settled(power, change.leaves)
        if running is None or running is not change.leaves:
            raise LostAnswerError(power.node, f"{lost.text}; {known(change, running)}", hint=lost.hint) from None


def known(change: PowerChange, running: bool | None) -> str:
    """Say what is known of a node after a change got no answer; `running` is its state, None when that is unknown."""
    if change in _UNCERTAIN:
        return f"the node {_UNCERTAIN[change]}" + (", and is off now" if running is False else "")
    if running is None:
        return f"whether the node is {change.value} is not known"
    return f"the node is still {'on' if running else 'off'}"


async def _settled(power: Power, wanted: bool | None) -> bool | None:
    """Return whether a node has power, after waiting a little for the wanted state; None when nothing answers."""
    # The command line imports this file for its words, and nothing that waits.
    import asyncio

    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            running = await power.status()
        except ControlError:
            return None
        if wanted is None or running is wanted or time.monotonic() >= deadline:
            return running
        await asyncio.sleep(_LOOK_EVERY_S)
