"""xCAT's rbeacon: the light that shows where a node is."""

from __future__ import annotations

from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import ControlError, LostAnswerError
from sbkernel.nodes.maintenance import Maintenance

BEACON_ACTIONS = ("on", "blink", "off", "stat")


def check_beacon(action: str) -> None:
    """Raise DefinitionError for an action that rbeacon does not have."""
    if action not in BEACON_ACTIONS:
        raise DefinitionError(
            f"unsupported command rbeacon {action}", hint=f"rbeacon knows: {' '.join(BEACON_ACTIONS)}"
        )


async def rbeacon(hardware: Maintenance, action: str) -> str:
    """Switch the light of one node, or look at it; return what is printed. Raises ControlError."""
    if action == "stat":
        return await hardware.beacon()
    try:
        await hardware.set_beacon(action)
    except LostAnswerError as lost:
        try:
            now = await hardware.beacon()
        except ControlError:
            now = ""
        if now != action:
            said = f"the light is {now}" if now else "whether it was switched is not known"
            raise LostAnswerError(hardware.node, f"{lost.text}; {said}", hint=lost.hint) from None
    return action
