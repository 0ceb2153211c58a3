"""How the process of the virtual nodes is asked and told: over a unix socket of the site, one line each way.

Client:  {"node": "vn1", "call": "status"}    {"node": "vn1", "call": "change", "value": "reset"}
         {"node": "vn1", "call": "boot"}      {"node": "vn1", "call": "set_boot", "value": ["net", false, false]}
Server:  {"value": ...}  or  {"error": ..., "hint": ...}

A call is one connection; a change is answered when it has been made.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.jobs import localsocket
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.virtual.guest import QemuMachine

SOCKET = "virtual.sock"
"""In the run directory of the site."""

Find = Callable[[str], Awaitable[QemuMachine]]


async def serve(path: Path, find: Find) -> asyncio.Server:
    """Answer calls on the machines that `find` returns, or raises SbkernelError for, until the server is closed."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError), contextlib.closing(writer):
            if line := await reader.readline():
                writer.write(encode(await _answered(find, json.loads(line))))
                await writer.drain()

    return await asyncio.start_unix_server(converse, sock=localsocket.listen(path))


async def _answered(find: Find, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": await _carry_out(await find(str(request.get("node"))), request)}
    except SbkernelError as error:
        return {"error": error.message, "hint": error.hint}
    except OSError as error:
        return {"error": str(error), "hint": None}


async def _carry_out(machine: QemuMachine, request: dict[str, Any]) -> object:
    match request.get("call"):
        case "status":
            return machine.power
        case "change":
            await machine.change(PowerChange(request["value"]))
        case "boot":
            return words(machine.boot)
        case "set_boot":
            machine.boot = override(request["value"])
        case call:
            raise NotFoundError(f"virtual nodes know no call {call!r}")
    return None


def words(override: BootOverride | None) -> list[object] | None:
    """Return what stands for a boot override in a message."""
    return [override.device.value, override.persistent, override.uefi] if override else None


def override(words: Any) -> BootOverride | None:
    """Return the boot override that stands in a message."""
    return BootOverride(BootDevice(words[0]), bool(words[1]), bool(words[2])) if words else None


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as one line."""
    return json.dumps(message).encode() + b"\n"
