"""Make a Dask worker a build host: `dask worker SCHEDULER --nthreads 1 --preload sbkernel.jobs.launchers.dask.worker`.

It tells the scheduler by resources what machine it is on, and has one order at a time. The task of an order waits for
a call of whoever gave it, and runs a program then, with the connection of the call as its input and output: nothing
of it passes the scheduler. A task that Dask starts again, its worker being dead, is called by nobody and does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from distributed import get_worker
from distributed.comm.core import CommClosedError
from distributed.core import Status

from sbkernel.jobs.launchers.dask.channel import CHUNK_BYTES, Channel
from sbkernel.jobs.launchers.dask.needs import offered
from sbkernel.jobs.run import PIPE, spawn_async

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from distributed import Worker
    from distributed.comm.core import Comm

CALL = "sbkernel-call"
CALLED_S = 60.0
END_S = 15.0
LOOK_S = 0.5
TOPIC = "sbkernel"


def dask_setup(worker: Worker) -> None:
    """Do what Dask asks of a preload: runs before the scheduler knows the worker."""
    calls = Calls()
    worker.extensions[TOPIC] = calls
    worker.handlers[CALL] = calls.take
    for mine in (worker.state.total_resources, worker.state.available_resources):
        mine.update({**offered(), **mine})  # what --resources says counts


def key_of(token: str) -> str:
    """Return what Dask calls the task of an order."""
    return f"{TOPIC}-{token}"


class Calls:
    """The calls that tasks of a worker wait for, by token."""

    def __init__(self) -> None:
        self._expected: dict[str, tuple[asyncio.Future[Comm], asyncio.Event]] = {}

    @contextlib.contextmanager
    def expecting(self, token: str) -> Iterator[asyncio.Future[Comm]]:
        """Yield what becomes the connection of a call, which belongs to the block until it ends."""
        call, over = asyncio.get_running_loop().create_future(), asyncio.Event()
        self._expected[token] = call, over
        try:
            yield call
        finally:
            del self._expected[token]
            over.set()

    async def take(self, comm: Comm, token: str) -> Any:
        """Hand a connection to the task that waits for it, and return when it is done with it."""
        call, over = self._expected.get(token, (None, None))
        if call is None or over is None or call.done():
            comm.abort()
        else:
            call.set_result(comm)
            await over.wait()
        return Status.dont_reply


async def answer(token: str, arguments: Sequence[str]) -> None:
    """Be the task of an order: wait on this worker for the call, and run Python with these arguments as its other end.

    Raises TimeoutError when nobody calls.
    """
    worker = get_worker()
    with worker.extensions[TOPIC].expecting(token) as call:
        worker.log_event(TOPIC, {"token": token, "worker": worker.contact_address or worker.address})
        async with asyncio.timeout(CALLED_S):
            while not call.done():
                await asyncio.wait({call}, timeout=LOOK_S)
                if not _wanted(worker, token):
                    return
        channel = Channel(call.result())
        try:
            async with _program(arguments) as (output, stdin):
                await _connect(channel, output, stdin)
        finally:
            channel.abort()


def _wanted(worker: Worker, token: str) -> bool:
    """Tell whether somebody waits for a task; Dask itself lets one that runs come to its end."""
    task = worker.state.tasks.get(key_of(token))
    return task is not None and task.state == "executing"


@contextlib.asynccontextmanager
async def _program(arguments: Sequence[str]) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Run Python for a block; after it the program reads the end of its input, which tells it to end."""
    # What it has started ends only when it does so itself: it must not be killed when this worker is.
    argv = ["setpriv", "--pdeathsig", "clear", "--", sys.executable, *arguments]
    process = await spawn_async(argv, stdin=PIPE, stdout=PIPE)
    output, stdin = cast("StreamReader", process.stdout), cast("StreamWriter", process.stdin)
    try:
        yield output, stdin
    finally:
        stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                while await output.read(CHUNK_BYTES):
                    pass
                await process.wait()
        if process.returncode is None:
            process.kill()


async def _connect(channel: Channel, output: StreamReader, stdin: StreamWriter) -> None:
    """Be between a channel and a program until the program has said all, or nobody listens any more."""
    fed = asyncio.create_task(_feed(channel, stdin))
    try:
        with contextlib.suppress(CommClosedError):
            await channel.send(output.read)
            await channel.until_closed()
    finally:
        fed.cancel()


async def _feed(channel: Channel, stdin: StreamWriter) -> None:
    with contextlib.suppress(CommClosedError, ConnectionError):
        async for chunk in channel.chunks():
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()
