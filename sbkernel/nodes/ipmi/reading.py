"""pyghmi's reading of sensors, inventory and event logs on our session: its blocking code runs in a worker thread.

Only commands that read reach the BMC, and only a bounded number of them; what pyghmi knows of single makes (which
opens connections of its own) is left out. The private names it leans on are held by
tests/nodes/ipmi/test_pyghmi_contract.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pyghmi import exceptions
from pyghmi.ipmi import command, sdr
from pyghmi.ipmi.oem import generic
from pyghmi.ipmi.private.util import get_ipmi_error

from sbkernel.nodes.failures import ControlError, RefusedError
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.handshake import Response
from sbkernel.nodes.ipmi.logins import no_answer

T = TypeVar("T")

READ_S = 180.0
"""How long all of it may take: some BMCs need most of a minute to list their sensors for the first time."""
COMMANDS_MAX = 20_000
THREADS = 64
INVALID_COMMAND = 0xC1
_TOO_LONG, _TOO_MUCH = 0xC8, 0xCA
_STUCK_S = 60.0
"""Longer than any answer takes: a thread must end when the loop that works for it is gone."""
READING = {
    0x00: {0x01, 0x09},
    0x04: {0x20, 0x21, 0x22, 0x23, 0x25, 0x27, 0x29, 0x2B, 0x2D, 0x2F},
    0x06: {0x01, 0x37, 0x38, 0x42},
    0x0A: {0x10, 0x11, 0x20, 0x21, 0x22, 0x23, 0x40, 0x41, 0x42, 0x43, 0x48},
    0x0C: {0x02},
}
"""The commands that read, by network function (specification, appendix G)."""

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ipmi-reading")


class _NothingShared(dict[Any, Any]):
    """Instead of pyghmi's memory of sensor records by firmware: one BMC must not answer for another."""

    def __setitem__(self, _key: Any, _value: Any) -> None:
        return None


sdr.shared_sdrs = _NothingShared()


class _Session:
    """What pyghmi's Command takes for its session, in a worker thread; `ended` makes the next command fail."""

    def __init__(self, bmc: Bmc, loop: asyncio.AbstractEventLoop) -> None:
        self._bmc = bmc
        self._loop = loop
        self._left = COMMANDS_MAX
        self.ended = False

    def raw_command(
        self,
        netfn: int,
        command: int,
        bridge_request: Mapping[str, int] | None = None,
        data: Any = (),
        rslun: int = 0,
        **_timing: object,
    ) -> Response:
        """Send a command that reads and wait for the answer; any other is one that the BMC does not know."""
        self._left -= 1
        if self.ended or self._left < 0:
            raise RefusedError(self._bmc.login.node, "its BMC does not come to an end with its records")
        response: Response = {"netfn": netfn | 1, "command": command, "code": INVALID_COMMAND, "data": bytearray()}
        if command in READING.get(netfn, ()):
            asked = self._bmc.ask_raw(netfn, command, bytes(data), lun=rslun, bridge=bridge_request or None)
            response = asyncio.run_coroutine_threadsafe(asked, self._loop).result(_STUCK_S)
            if response.get("code") == _TOO_LONG:
                # pyghmi asks for less at a time only after the other code for that.
                response["code"] = _TOO_MUCH
        if error := get_ipmi_error(response):
            response["error"] = error
        return response


def _commands(session: _Session, bmc: str) -> Any:
    """Return pyghmi's Command on our session, for a BMC of no make."""
    made = command.Command.__new__(command.Command)
    made.onlogon = None
    made.bmc, made.kwargs, made.certverify = bmc, {}, None
    made._sdrcachedir = made._sdr = made._netchannel = made._ipv6support = None
    made._oem, made._oemknown = generic.OEMHandler(None, None), True
    made.ipmi_session = session
    return made


async def read(bmc: Bmc, work: Callable[[Any], T]) -> T:
    """Run `work` with pyghmi's Command for a BMC, in a thread. Raises ControlError.

    What pyghmi raises on answers that make no sense is a RefusedError.
    """
    loop = asyncio.get_running_loop()
    session = _Session(bmc, loop)
    node = bmc.login.node
    try:
        async with asyncio.timeout(READ_S):
            return await loop.run_in_executor(_threads, work, _commands(session, bmc.login.host))
    except TimeoutError:
        raise no_answer(bmc.login) from None
    except ControlError:
        raise
    except exceptions.PyghmiException as error:
        raise RefusedError(node, f"its BMC refused: {error}") from None
    except Exception as error:
        raise RefusedError(node, f"its BMC answers what makes no sense ({type(error).__name__})") from None
    finally:
        session.ended = True
