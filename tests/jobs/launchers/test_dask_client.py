"""A pipe to a program on a Dask worker: real schedulers and workers, and what happens when each of them dies."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from daskcluster import Cluster, cluster
from waiting import until, until_async

from sbkernel.jobs.launchers.dask.channel import WINDOW, Channel

ANY = "sbkernel-build"
# Says on which worker it runs, and what it has read when nothing more can be read.
WATCH = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).open("a").write(f"{os.getppid()} {os.getpid()}\\n")
sys.stdin.read()
pathlib.Path(sys.argv[1] + ".ended").touch()
"""


def pipe(to: Cluster, needs: str, *arguments: str, address: str = "") -> "subprocess.Popen[bytes]":
    argv = [
        sys.executable,
        "-m",
        "sbkernel.jobs.launchers.dask.client",
        "run",
        address or to.address,
        needs,
        *arguments,
    ]
    end = subprocess.PIPE
    return subprocess.Popen(argv, stdin=end, stdout=end, stderr=end, env=to.environment)


def said(process: "subprocess.Popen[bytes]", data: bytes = b"") -> tuple[int, bytes, str]:
    out, err = process.communicate(data, timeout=120)
    return process.returncode, out, err.decode()


def place(marker: Path) -> str:
    """Return the PID of the worker on which a program runs, once it does."""
    until(lambda: marker.exists() and marker.read_text().endswith("\n"))
    return marker.read_text().split()[0]


def test_bytes_go_both_ways_unchanged(two_workers: Cluster) -> None:
    data = os.urandom(3 << 20) + bytes(range(256)) + b"\r\n\0"
    code = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    status, out, err = said(pipe(two_workers, ANY, "-c", code), data)
    assert (status, out == data) == (0, True), err
    assert err.removeprefix("on the Dask worker ").strip() in two_workers.workers


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_no_scheduler_is_an_error(two_workers: Cluster, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(two_workers.environment, "SBKERNEL_DASK_TIMEOUT", "0.5")
    status, _, err = said(pipe(two_workers, ANY, "-c", "", address=address))
    assert status == 255 and f"the Dask scheduler {address} does not answer" in err and "Traceback" not in err


def test_a_worker_has_one_order_at_a_time_and_the_next_one_waits(two_workers: Cluster, tmp_path: Path) -> None:
    markers = [tmp_path / str(number) for number in range(3)]
    pipes = [pipe(two_workers, ANY, "-c", WATCH, str(marker)) for marker in markers[:2]]
    assert place(markers[0]) != place(markers[1]), "side by side, each on a worker of its own"
    pipes.append(pipe(two_workers, ANY, "-c", WATCH, str(markers[2])))
    assert pipes[1].stdin is not None
    pipes[1].stdin.close()
    assert place(markers[2]) == place(markers[1]) and Path(f"{markers[1]}.ended").exists()
    for process in pipes:
        assert process.wait(60) == 0 if process is pipes[1] else said(process)[0] == 0


def test_a_caller_that_is_killed_ends_the_program(two_workers: Cluster, tmp_path: Path) -> None:
    process = pipe(two_workers, ANY, "-c", WATCH, str(marker := tmp_path / "marker"))
    place(marker)
    process.kill()
    until(Path(f"{marker}.ended").exists)
    said(process)


def test_a_scheduler_that_is_killed_is_an_error_and_ends_the_program(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", workers=1) as ours:
        running = pipe(ours, ANY, "-c", WATCH, str(marker := tmp_path / "marker"))
        place(marker)
        waiting = pipe(ours, ANY, "-c", "")
        until(lambda: (ours.directory / "scheduler.log").read_text().count("Receive client connection") == 2)
        ours.scheduler.kill()
        for process in (running, waiting):
            process.wait(120)  # before its input ends
            status, _, err = said(process)
            assert status == 255 and f"the Dask scheduler {ours.address}" in err and "Traceback" not in err, err
        until(Path(f"{marker}.ended").exists)


async def test_a_channel_keeps_little_of_what_nobody_takes() -> None:
    from distributed.comm.core import Comm, connect, listen

    came: asyncio.Future[Comm] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def accept(comm: Comm) -> None:
        came.set_result(comm)
        await over.wait()

    async with listen("inproc://", accept) as listener:
        mine = Channel(await connect(listener.contact_address))
        other = Channel(await came)
        given = 0

        async def read(_size: int) -> bytes:
            nonlocal given
            given += 1
            return b"x" if given <= 50 else b""

        sending = asyncio.create_task(mine.send(read))
        await until_async(lambda: given > WINDOW)
        for _ in range(20):
            await asyncio.sleep(0)
        assert given == WINDOW + 1, "the next chunk waits until one has been taken"
        assert [chunk async for chunk in other.chunks()] == [b"x"] * 50
        await sending
        mine.abort()
        other.abort()
        over.set()
