"""What many nodes boot next, set with the care that power has: canaries, an end when too many fail, a record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sbkernel.nodes.failures import ControlError
from sbkernel.nodes.power import BootOverride, Power
from sbkernel.nodes.rsetboot import rsetboot, text
from sbkernel.service.power.log import PowerLog
from sbkernel.service.power.run import Run
from sbkernel.service.power.safety import Care

There = Callable[[Power], Awaitable[None]]
"""Return when what answers for a node is there."""


class BootRun(Run):
    """One action of rsetboot on many nodes. Nothing starts by it, so it needs no pace."""

    def __init__(
        self, device: str, wanted: BootOverride | None, care: Care, count: int, log: PowerLog, there: There
    ) -> None:
        super().__init__(care, count, log)
        self._device = device
        self._wanted = wanted
        self._there = there

    async def _carefully(self, power: Power) -> str:
        node = power.node
        try:
            self._log.looked(node, text(await self._ask(power, self._look)))
            await self._behind_canaries(node)
            await self._sending.acquire()
        finally:
            # From here on nothing stops it.
            self._unsent.pop(node, None)
        try:
            said = await self._send_once(node, self._device, self._set(power))
        finally:
            self._sending.release()
        self._after[node] = said
        if node in self._canaries and said != text(self._wanted):
            raise ControlError(node, f"{self._device} was set, and it says: {said}", hint="rsetboot NODE stat")
        return said

    async def _look(self, power: Power) -> BootOverride | None:
        await self._there(power)
        return await power.boot()

    async def _set(self, power: Power) -> str:
        wanted = self._wanted
        persistent, uefi = bool(wanted and wanted.persistent), bool(wanted and wanted.uefi)
        return await rsetboot(power, self._device, persistent=persistent, uefi=uefi)
