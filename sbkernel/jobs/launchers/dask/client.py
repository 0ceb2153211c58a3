"""What talks to Dask: `python -m sbkernel.jobs.launchers.dask.client hold|call|run ...`.

hold SCHEDULER NEEDS: take the place of a worker, say whose it is, and keep it until the input ends; NEEDS are
resources, separated by commas.
call SCHEDULER WORKER TOKEN WORD...: be a pipe to a Python that runs there with these arguments, as ssh is one.
run SCHEDULER NEEDS WORD...: both at once.

They end with 0, or as ssh does with 255 and the reason on standard error. When a pipe ends, the program at its other
end reads the end of its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Any, cast

from distributed import Client, Future, Security, wait
from distributed.comm.addressing import get_address_host_port
from distributed.comm.core import CommClosedError, connect

from sbkernel.errors import JobError, SbkernelError
from sbkernel.jobs.launchers.dask import HINT, ON
from sbkernel.jobs.launchers.dask import needs as needing
from sbkernel.jobs.launchers.dask.channel import CHUNK_BYTES, Channel
from sbkernel.jobs.launchers.dask.worker import CALL, TOPIC, hold, key_of

CONNECT_S = float(os.environ.get("SBKERNEL_DASK_TIMEOUT") or 30)
LOST = 255
PATIENCE_S = 1.0


def main(what: str, scheduler: str, *rest: str) -> int:
    """Do it, and return the exit status."""
    logging.disable()  # what matters of it becomes an error of ours
    warnings.simplefilter("ignore")
    try:
        asyncio.run(_DO[what](scheduler, *rest))
    except SbkernelError as error:
        _say(error.message)
        if error.hint:
            _say(HINT + error.hint)
        return LOST
    return 0


async def _hold(scheduler: str, needs: str) -> None:
    async with _placed(scheduler, needs) as (worker, token, over):
        _say(f"{ON}{worker} {token}")
        ended = asyncio.create_task((await _input()).read())
        either: list[asyncio.Future[Any]] = [ended, over]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            raise over.result()


async def _call(scheduler: str, worker: str, token: str, *words: str) -> None:
    async with _called(worker, token, words) as channel:
        _say(ON + worker)
        try:
            await _connect(channel)
        except CommClosedError:
            raise await _lost(scheduler, worker) from None


async def _run(scheduler: str, needs: str, *words: str) -> None:
    async with _placed(scheduler, needs) as (worker, token, _):
        await _call(scheduler, worker, token, *words)


@contextlib.asynccontextmanager
async def _placed(scheduler: str, needs: str) -> AsyncIterator[tuple[str, str, asyncio.Future[JobError]]]:
    """Take a place on a worker for a block; yield its address, the token, and what becomes the error if it is lost."""
    resources = dict.fromkeys(needs.split(","), 1.0)
    async with _client(scheduler) as client:
        there = (await cast("Any", client.scheduler).identity(n_workers=-1))["workers"]
        needing.check(scheduler, {address: one["resources"] for address, one in there.items()}, resources)
        token, place = secrets.token_hex(16), asyncio.get_running_loop().create_future()

        def begun(event: tuple[float, Mapping[str, str]]) -> None:
            if event[1].get("token") == token and not place.done():
                place.set_result(event[1]["worker"])

        client.subscribe_topic(TOPIC, begun)
        task = client.submit(hold, token, key=key_of(token), pure=False, retries=0, resources=resources)
        over = asyncio.create_task(_over(task, scheduler))
        try:
            done, _ = await asyncio.wait([place, over], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                _say("waiting for a Dask worker that is free")
                await asyncio.wait([place, over], return_when=asyncio.FIRST_COMPLETED)
            if not place.done():
                raise over.result()
            yield place.result(), token, over
        finally:
            over.cancel()
            task.release()


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


async def _over(task: Future[Any], scheduler: str) -> JobError:
    """Wait until a task has ended, and say how."""
    try:
        await wait(task)
    except CancelledError:
        return _gone(scheduler)
    return JobError(f"the Dask scheduler {scheduler} could not give the order away: {await task.exception()}")


@contextlib.asynccontextmanager
async def _called(worker: str, token: str, words: Sequence[str]) -> AsyncIterator[Channel]:
    """Connect to a worker and have Python run there."""
    try:
        comm = await connect(worker, CONNECT_S, **Security().get_connection_args("client"))
        await comm.write({"op": CALL, "token": token, "words": words, "reply": False})
    except OSError as error:
        raise JobError(
            f"the Dask worker {worker} cannot be reached from here: {error}",
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
    with contextlib.suppress(OSError):
        await channel.send((await _input()).read)


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=CHUNK_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _write(chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(1, rest) :]


async def _lost(scheduler: str, worker: str) -> JobError:
    """Return why a connection to a worker may have broken: Dask's workers end without a scheduler."""
    if not await _answers(scheduler):
        return _gone(scheduler, f", and with it the worker {worker}")
    return JobError(f"the Dask worker {worker} has gone")


async def _answers(address: str) -> bool:
    """Tell whether somebody listens; that he is too busy to say a word does not matter."""
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(*get_address_host_port(address))
    except OSError:
        return False
    writer.close()
    return True


def _gone(scheduler: str, more: str = "") -> JobError:
    return JobError(f"the Dask scheduler {scheduler} has gone{more}")


_DO: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"hold": _hold, "call": _call, "run": _run}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
