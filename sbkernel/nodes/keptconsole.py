"""What the consoles of all BMCs have in common: they are kept connected, and whoever listens is told once."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable

from sbkernel.nodes.failures import ControlError, UnknownUserError, WrongPasswordError

BACK_OFF_FIRST_S = 0.5
BACK_OFF_MAX_S = 60.0


class KeptConsole(ABC):
    """One node's console. `on_bytes` gets what the node writes; `on_event` gets lines about the connection.

    With `steal`, a console that another session holds is taken away from it; else connecting waits until the
    other one lets go.
    """

    def __init__(
        self,
        node: str,
        on_bytes: Callable[[bytes], None] = lambda _data: None,
        on_event: Callable[[str], None] = lambda _line: None,
        *,
        steal: bool = False,
    ) -> None:
        self.node = node
        self.on_bytes = on_bytes
        self.on_event = on_event
        self.steal = steal
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._wait_s = BACK_OFF_FIRST_S

    @property
    def connected(self) -> bool:
        """Whether bytes flow."""
        return self._up.is_set()

    async def open(self, timeout_s: float | None = None) -> None:
        """Connect, and stay connected until close(); return when connected.

        With `timeout_s`, raises TimeoutError when that takes longer; the console goes on trying all the same.
        """
        self.keep()
        async with asyncio.timeout(timeout_s):
            await self._up.wait()

    def keep(self) -> None:
        """Start connecting in the background, and stay connected until close()."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"console {self.node}")

    async def close(self) -> None:
        """Give the console back to the BMC and stop connecting."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None

    @abstractmethod
    async def _connected_once(self) -> None:
        """Connect and pass bytes until the connection breaks; it is between _is_up and _is_down that they flow."""

    def _is_up(self) -> None:
        self._up.set()
        self._wait_s = BACK_OFF_FIRST_S
        self.on_event("console connected")

    def _is_down(self) -> None:
        self.on_event("console disconnected")
        self._up.clear()

    async def _keep(self) -> None:
        """Connect again and again, waiting longer after each failure."""
        said = ""
        while True:
            try:
                await self._connected_once()
                said = "lost"
            except ControlError as error:
                said = self._tell(error.text, said)
                if isinstance(error, WrongPasswordError | UnknownUserError):
                    # Knocking often with a wrong password gets the account locked.
                    self._wait_s = BACK_OFF_MAX_S
            except Exception as error:
                said = self._tell(f"unexpected answer from the BMC ({type(error).__name__})", said)
            await asyncio.sleep(self._wait_s * random.uniform(0.8, 1.2))  # noqa: S311
            self._wait_s = min(self._wait_s * 2, BACK_OFF_MAX_S)

    def _tell(self, text: str, said: str) -> str:
        """Report a failure, but the same one only once in a row."""
        if text != said:
            self.on_event(f"console: {text}")
        return text
