"""Tell a running QEMU something over QMP: one command, one connection."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from sbkernel.errors import SbkernelError
from sbkernel.jobs.localsocket import open_connection

TIMEOUT_S = 5.0


async def command(socket_path: Path, execute: str, **arguments: Any) -> Any:
    """Carry out one QMP command and return its value. Raises SbkernelError when QEMU refuses or is gone."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await open_connection(socket_path)
            try:
                await reader.readline()
                await _ask(reader, writer, {"execute": "qmp_capabilities"})
                return await _ask(reader, writer, {"execute": execute, "arguments": arguments})
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise SbkernelError(f"QEMU does not answer {execute}: {error or 'timeout'}") from None


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> Any:
    writer.write(json.dumps(request).encode())
    await writer.drain()
    while line := await reader.readline():
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"].get("desc", "refused"))
        if "return" in answer:
            return answer["return"]
    raise ValueError("connection closed")
