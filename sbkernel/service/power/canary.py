"""Whether a canary is well: it has the power that was sent, or it has booted so far."""

from __future__ import annotations

import asyncio
import time

from sbkernel.netboot import bootlog
from sbkernel.nodes.failures import ControlError
from sbkernel.nodes.power import Power, PowerChange
from sbkernel.service.power.safety import BOOTED
from sbkernel.site import Site

_LOOK_EVERY_S = 0.5
_HINT = "Nothing more was sent. What does it say? sb rcons NODE, sb nodestat NODE --timeline"


async def powered(power: Power, change: PowerChange, within_s: float) -> None:
    """Return when a node has the power that a change leaves. Raises ControlError."""
    wanted = change.leaves is not False
    deadline = time.monotonic() + within_s
    while await power.status() is not wanted:
        if time.monotonic() >= deadline:
            text = f"{change.value} was sent, and it is still {'off' if wanted else 'on'} after {within_s:g} s"
            raise ControlError(power.node, text, hint=_HINT)
        await asyncio.sleep(_LOOK_EVERY_S)


async def booted(site: Site, node: str, until: str, within_s: float) -> None:
    """Return when the boot that began last has come so far. Raises ControlError when it failed or takes too long."""
    wanted = bootlog.STAGES.index("userspace" if until == BOOTED else until)
    deadline = time.monotonic() + within_s
    while True:
        events = bootlog.read(site, node)
        if failed := next((event for event in events if event["stage"] == "failed"), None):
            reason = failed.get("reason") or "it gave no reason"
            raise ControlError(node, f"boot failed: {reason}", hint=_HINT)
        stages = [event["stage"] for event in events]
        if any(bootlog.STAGES.index(stage) >= wanted for stage in stages if stage in bootlog.STAGES):
            return
        if time.monotonic() >= deadline:
            last = stages[-1] if stages else "nothing was heard of it"
            raise ControlError(node, f"not {until} within {within_s:g} s; last: {last}", hint=_HINT)
        await asyncio.sleep(_LOOK_EVERY_S)
