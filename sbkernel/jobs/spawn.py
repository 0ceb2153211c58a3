"""Start processes that keep running: children that die with us, and detached ones that outlive us."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

from sbkernel.jobs.command import child_environment, wrapped
from sbkernel.jobs.processes import group_members

if TYPE_CHECKING:
    import asyncio.subprocess
    from concurrent.futures import ThreadPoolExecutor

Process: TypeAlias = "subprocess.Popen[bytes]"
Stream: TypeAlias = int | IO[Any] | None
Words: TypeAlias = Sequence[str | os.PathLike[str]]
PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
STDOUT = subprocess.STDOUT
GRACE_S = 5.0

_one_forker = threading.Lock()
_detached: list[Process] = []


class Options(TypedDict, total=False):
    """How a child is started; without more it reads nothing and writes where we write."""

    env: Mapping[str, str | None] | None
    """Added to our environment; None removes a variable."""
    cwd: str | os.PathLike[str] | None
    stdin: Stream
    stdout: Stream
    stderr: Stream
    pass_fds: Sequence[int]
    isolated: bool
    """In a PID and mount namespace of its own."""
    process_group: int | None
    """0: one of its own, which end() ends; None: ours, as for a program that talks to our terminal."""


def spawn_here(argv: Words, **options: Unpack[Options]) -> Process:
    """Start a child in its own process group from the calling thread, which must outlive the child."""
    words, given = _arguments(argv, options)
    return subprocess.Popen(words, bufsize=0, **given)


def spawn(argv: Words, **options: Unpack[Options]) -> Process:
    """Start a long-running child that is killed when this process ends, however it ends.

    End it with end(). Raises ToolMissingError when the program is not installed.
    """
    with _one_forker:
        forker = _forker()
    return forker.submit(lambda: spawn_here(argv, **options)).result()


@functools.cache
def _forker() -> ThreadPoolExecutor:
    """Return the one thread that forks all long-running children, and lives as long as the process.

    PDEATHSIG fires when the *thread* that forked exits (prctl(2)).
    """
    # A command that only starts the service would wait for this import.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawn")


async def spawn_async(argv: Words, **options: Unpack[Options]) -> asyncio.subprocess.Process:
    """Start a long-running child of the running event loop; it is killed when the loop's thread ends."""
    # A command that only starts the service would wait for this import, too.
    import asyncio

    words, given = _arguments(argv, options)
    return await asyncio.create_subprocess_exec(*words, **given)


def _arguments(argv: Words, options: Options) -> tuple[list[str], dict[str, Any]]:
    given: dict[str, Any] = {"stdin": DEVNULL, "process_group": 0, **options}
    given["env"] = child_environment(given.get("env"))
    return wrapped(argv, isolated=given.pop("isolated", False)), given


def detach(
    argv: Words,
    *,
    log: Path,
    env: Mapping[str, str | None] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    pass_fds: Sequence[int] = (),
) -> int:
    """Start a process in its own session that outlives us, its output appended to `log` (0600); return its PID."""
    _detached[:] = [process for process in _detached if process.poll() is None]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [os.fspath(word) for word in argv],
            env=child_environment(env),
            cwd=cwd,
            stdin=DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    _detached.append(process)
    return process.pid


def end(process: Process, grace_s: float = GRACE_S, *, patience_s: float = 0.0) -> int:
    """End a child and its process group: SIGTERM, `grace_s` seconds, SIGKILL; return its exit status.

    With some patience, that of a child which is about to end is its own.
    """
    if process.returncode is not None:
        return process.returncode
    if patience_s:
        _wait_exited(process, patience_s)
    _signal_group(process, signal.SIGTERM)
    _wait_exited(process, grace_s)
    # The child is not reaped yet, so its group's number cannot belong to somebody else.
    _signal_group(process, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    status = process.wait()
    _wait_gone(process.pid)
    return status


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _wait_gone(group: int, timeout_s: float = 1.0) -> None:
    """Wait until a killed group has ended: until then its processes may still write what the caller is to remove."""
    deadline = time.monotonic() + timeout_s
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)  # cheap, and nearly always enough; what nobody has reaped yet counts as there
            if not any(group_members(group)):
                return
            time.sleep(0.002)


def _wait_exited(process: Process, timeout_s: float) -> None:
    descriptor = os.pidfd_open(process.pid)
    try:
        select.select([descriptor], [], [], timeout_s)
    finally:
        os.close(descriptor)
