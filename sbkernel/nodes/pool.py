"""The BMCs of a process, so that everybody who talks to one shares its session."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sbkernel.nodes.bmc import Bmc, BmcLogin
from sbkernel.nodes.transport import Transport


class Pool:
    """Hands out one Bmc per node; an async context manager that logs out everywhere at its end."""

    def __init__(self) -> None:
        self._transport = Transport()
        self._bmcs: dict[str, Bmc] = {}

    def get(self, login: BmcLogin) -> Bmc:
        """Return the node's BMC; a new one when its address, user or password has changed."""
        known = self._bmcs.get(login.node)
        if known is not None and known.login == login:
            return known
        if known is not None:
            known.close()
        bmc = self._bmcs[login.node] = Bmc(login, self._transport)
        return bmc

    def close(self) -> None:
        """Log out everywhere and close the sockets."""
        for bmc in self._bmcs.values():
            bmc.close()
        self._bmcs.clear()
        self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
