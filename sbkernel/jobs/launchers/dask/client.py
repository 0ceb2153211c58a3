"""A pipe to a Python on a Dask worker: `python -m sbkernel.jobs.launchers.dask.client SCHEDULER NEEDS ARGUMENT...`.

The arguments are for the Python there; NEEDS are resources, separated by commas. As ssh does it ends with 255, and the
reason on standard error, when the connection could not be made or was lost; with 0 when the program has closed its
output. When it ends, the program reads the end of its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Any, cast

from distributed import Client, Future, wait
from distributed.comm.core import CommClosedError, connect

from sbkernel.errors import JobError, SbkernelError
from sbkernel.jobs.launchers.dask import HINT
from sbkernel.jobs.launchers.dask import needs as needing
from sbkernel.jobs.launchers.dask.channel import CHUNK_BYTES, Channel
from sbkernel.jobs.launchers.dask.worker import CALL, TOPIC, answer, key_of

CONNECT_S = float(os.environ.get("SBKERNEL_DASK_TIMEOUT") or 10)
LOST = 255
PATIENCE_S = 1.0


def main(scheduler: str, needs: str, *arguments: str) -> int:
    """Run Python on the worker that Dask chooses, between our standard input and output; return the exit status."""
    logging.disable()  # what matters of it becomes an error of ours
    warnings.simplefilter("ignore")
    try:
        asyncio.run(_run(scheduler, dict.fromkeys(needs.split(","), 1.0), arguments))
    except SbkernelError as error:
        _say(error.message)
        if error.hint:
            _say(HINT + error.hint)
        return LOST
    return 0


async def _run(scheduler: str, needs: Mapping[str, float], arguments: Sequence[str]) -> None:
    async with _client(scheduler) as client:
        workers = (await cast("Any", client.scheduler).identity(n_workers=-1))["workers"]
        needing.check(scheduler, {address: worker["resources"] for address, worker in workers.items()}, needs)
        async with _begun(client, scheduler, needs, arguments) as (address, token):
            _say(f"on the Dask worker {address}")
            async with _called(client, address, token) as channel:
                try:
                    await _connect(channel)
                except CommClosedError:
                    raise _lost(client, scheduler, address) from None


@contextlib.asynccontextmanager
async def _client(scheduler: str) -> AsyncIterator[Client]:
    try:
        client = await Client(scheduler, asynchronous=True, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:  # also what Dask's settings lack
        raise JobError(f"the Dask scheduler {scheduler} does not answer: {error}") from None
    try:
        yield client
    except CommClosedError:
        raise _gone(scheduler) from None
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def _begun(
    client: Client, scheduler: str, needs: Mapping[str, float], arguments: Sequence[str]
) -> AsyncIterator[tuple[str, str]]:
    """Wait until a worker has a place for us; yield its address, and by what token it knows us."""
    token = secrets.token_hex(16)
    place: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def begun(event: tuple[float, Mapping[str, str]]) -> None:
        if event[1].get("token") == token and not place.done():
            place.set_result(event[1]["worker"])

    client.subscribe_topic(TOPIC, begun)
    task = client.submit(answer, token, arguments, key=key_of(token), pure=False, retries=0, resources=needs)
    over = asyncio.create_task(_over(task, scheduler))
    either: list[asyncio.Future[Any]] = [place, over]
    try:
        done, _ = await asyncio.wait(either, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            _say("waiting for a Dask worker that is free")
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not place.done():
            raise over.result()
        yield place.result(), token
    finally:
        over.cancel()
        task.release()


async def _over(task: Future[Any], scheduler: str) -> JobError:
    """Wait until a task has ended, and say how."""
    try:
        await wait(task)
    except CancelledError:
        return _gone(scheduler)
    return JobError(f"the Dask scheduler {scheduler} could not give the order away: {await task.exception()}")


@contextlib.asynccontextmanager
async def _called(client: Client, address: str, token: str) -> AsyncIterator[Channel]:
    """Connect to a worker, and there to the task that waits for us."""
    try:
        comm = await connect(address, CONNECT_S, **client.security.get_connection_args("client"))
        await comm.write({"op": CALL, "token": token, "reply": False})
    except OSError as error:
        raise JobError(
            f"the Dask worker {address} cannot be reached from here: {error}",
            hint="all but the choice goes to workers directly: start them with a --host that this machine reaches",
        ) from None
    channel = Channel(comm)
    try:
        yield channel
    finally:
        channel.abort()


async def _connect(channel: Channel) -> None:
    """Be between a channel and our standard input and output until all has come from there."""
    fed = asyncio.create_task(_feed(channel))
    try:
        async for chunk in channel.chunks():
            await asyncio.to_thread(_write, chunk)
    finally:
        fed.cancel()


async def _feed(channel: Channel) -> None:
    reader = asyncio.StreamReader(limit=CHUNK_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with contextlib.suppress(OSError):
        await channel.send(reader.read)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _write(chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(1, rest) :]


def _lost(client: Client, scheduler: str, address: str) -> JobError:
    if client.status != "running":  # Dask's workers end without a scheduler
        return _gone(scheduler, f", and with it the worker {address}")
    return JobError(f"the Dask worker {address} has gone")


def _gone(scheduler: str, more: str = "") -> JobError:
    return JobError(f"the Dask scheduler {scheduler} has gone{more}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
