"""Make a Dask worker a build host: `dask worker SCHEDULER --nthreads 1 --preload sbkernel.jobs.launchers.dask.worker`.

It tells the scheduler by resources what machine it is on, and has one place: a task takes it, and does no more. Whoever
knows the task's token calls the worker and has programs run there, the connection of a call being input and output of
one: nothing of it passes the scheduler. So nothing runs when Dask starts a task again elsewhere, its worker being dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Sequence
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
END_S = 15.0
LOOK_S = 0.2
TOPIC = "sbkernel"
_log = logging.getLogger("distributed.worker")


def dask_setup(worker: Worker) -> None:
    """Do what Dask asks of a preload: runs before the scheduler knows the worker."""
    places = Places()
    worker.extensions[TOPIC] = places
    worker.handlers[CALL] = places.call
    for mine in (worker.state.total_resources, worker.state.available_resources):
        mine.update({**offered(), **mine})  # what --resources says counts
    if worker.state.nthreads > 1:  # Dask takes no waiting task away from one that has a thread left
        _log.warning("an order may wait for this worker while others are free: start it with --nthreads 1")


def key_of(token: str) -> str:
    """Return what Dask calls the task of an order."""
    return f"{TOPIC}-{token}"


class Places:
    """Who has the place of a worker, by token, and the programs that run for him."""

    def __init__(self) -> None:
        self._running: dict[str, set[asyncio.Task[None]]] = {}

    @contextlib.asynccontextmanager
    async def held(self, token: str) -> AsyncIterator[None]:
        """Run programs for whoever knows a token during a block; after it none of them runs."""
        running = self._running[token] = set()
        try:
            yield
        finally:
            del self._running[token]
            for program in running:
                program.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def call(self, comm: Comm, token: str, words: Sequence[str]) -> Any:
        """Run Python with these arguments, a connection being its input and output."""
        running = self._running.get(token)
        if running is None:
            comm.abort()
            return Status.dont_reply
        program = asyncio.create_task(_run(comm, words))
        running.add(program)
        await asyncio.wait({program})
        running.discard(program)
        return Status.dont_reply


async def hold(token: str) -> None:
    """Be the task that takes the place of a worker for as long as somebody wants it."""
    worker = get_worker()
    async with worker.extensions[TOPIC].held(token):
        worker.log_event(TOPIC, {"token": token, "worker": worker.contact_address or worker.address})
        while _wanted(worker, token):
            await asyncio.sleep(LOOK_S)


def _wanted(worker: Worker, token: str) -> bool:
    """Tell whether somebody wants a task; Dask itself lets one that runs come to its end."""
    task = worker.state.tasks.get(key_of(token))
    return task is not None and task.state == "executing"


async def _run(comm: Comm, words: Sequence[str]) -> None:
    channel = Channel(comm)
    try:
        async with _program(words) as (output, stdin):
            await _connect(channel, output, stdin)
    finally:
        channel.abort()


@contextlib.asynccontextmanager
async def _program(words: Sequence[str]) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Run Python for a block; after it the program reads the end of its input, which tells it to end."""
    # What it has started ends only when it does so itself: it must not be killed when this worker is.
    argv = ["setpriv", "--pdeathsig", "clear", "--", sys.executable, *words]
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
