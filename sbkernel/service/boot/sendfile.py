"""Send large files: threads that wait in the kernel send to whoever reads fast, on all processors.

The event loop waits for all others, so that a thousand slow nodes need no thousand threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import time
from concurrent.futures import Future, ThreadPoolExecutor

LARGE = 4 << 20
"""From so many bytes on a thread is worth its while."""
_THREADS = 8
_TURN_S = 0.5
"""For so long a thread sends before others have their turn, or the service ends."""
_WAIT_MS = 20
"""For so long a thread waits for a connection to take more."""


class SendingThreads:
    """The threads, started when they are needed; all connections share them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sendfile")

    def close(self) -> None:
        """End the threads, each at the end of its turn."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, socket: int, file: int, offset: int, count: int) -> None:
        """Send `count` bytes of a file. Raises OSError as sendfile(2), and if the file ends before.

        Both descriptors are copied: a thread goes on for a moment when its task is cancelled, and what is closed
        then must not be another connection, or another file, for it.
        """
        out, source = os.dup(socket), os.dup(file)
        turn: Future[int] | None = None
        end, loop = offset + count, asyncio.get_running_loop()
        try:
            while offset < end:
                turn = self._threads.submit(_turn, out, source, offset, end - offset)
                sent = await asyncio.wrap_future(turn)
                offset += sent
                if not sent:
                    await _writable(loop, out)
        finally:
            if turn is None:
                _close(out, source)
            else:
                turn.add_done_callback(lambda _: _close(out, source))


def _turn(out: int, source: int, offset: int, count: int) -> int:
    """Send until all is sent or nobody reads for a while; return how much was sent."""
    sent, poll, until = 0, select.poll(), time.monotonic() + _TURN_S
    poll.register(out, select.POLLOUT)
    while sent < count and time.monotonic() < until and poll.poll(_WAIT_MS):
        # The kernel takes what it has room for; should it have none after all, it is asked again.
        with contextlib.suppress(BlockingIOError):
            now = os.sendfile(out, source, offset + sent, count - sent)
            if not now:
                raise ConnectionResetError("the file has become shorter while it was sent")
            sent += now
    return sent


async def _writable(loop: asyncio.AbstractEventLoop, out: int) -> None:
    ready = asyncio.Event()
    loop.add_writer(out, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(out)


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)
