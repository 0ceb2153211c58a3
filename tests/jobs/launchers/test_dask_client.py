"""A pipe to a program on a Dask worker: real schedulers and workers, and what happens when each of them dies."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers that no test harms."""
    with cluster(tmp_path_factory.mktemp("dask")) as started:
        yield started


def pipe(to: Cluster, needs: str, *arguments: str, address: str = "") -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "sbkernel.jobs.launchers.dask.client", address or to.address, needs, *arguments]
    end = subprocess.PIPE
    return subprocess.Popen(argv, stdin=end, stdout=end, stderr=end, env=to.environment)


def said(process: "subprocess.Popen[bytes]", data: bytes = b"") -> tuple[int, bytes, str]:
    out, err = process.communicate(data, timeout=120)
    return process.returncode, out, err.decode()


def place(marker: Path) -> str:
    """Return the PID of the worker on which a program runs, once it does."""
    until(lambda: marker.exists() and marker.read_text().endswith("\n"))
    return marker.read_text().split()[0]


def test_bytes_go_both_ways_unchanged(two: Cluster) -> None:
    data = os.urandom(3 << 20) + bytes(range(256)) + b"\r\n\0"
    code = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    status, out, err = said(pipe(two, ANY, "-c", code), data)
    assert (status, out == data) == (0, True), err
    assert err.removeprefix("on the Dask worker ").strip() in two.workers


def test_a_need_that_nobody_meets_is_an_error_that_tells_what_there_is(two: Cluster) -> None:
    status, _, err = said(pipe(two, f"{ANY},sbkernel-arch-vax", "-c", ""))
    assert status == 255 and "has no worker for vax; it has tcp://127.0.0.1:" in err and f"{os.uname().machine} " in err
    assert all(worker in err for worker in two.workers) and "--preload sbkernel.jobs.launchers.dask.worker" in err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_no_scheduler_is_an_error(two: Cluster, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(two.environment, "SBKERNEL_DASK_TIMEOUT", "0.5")
    status, _, err = said(pipe(two, ANY, "-c", "", address=address))
    assert status == 255 and f"the Dask scheduler {address} does not answer" in err and "Traceback" not in err


def test_a_worker_has_one_order_at_a_time_and_the_next_one_waits(two: Cluster, tmp_path: Path) -> None:
    markers = [tmp_path / str(number) for number in range(3)]
    pipes = [pipe(two, ANY, "-c", WATCH, str(marker)) for marker in markers[:2]]
    assert place(markers[0]) != place(markers[1]), "side by side, each on a worker of its own"
    pipes.append(pipe(two, ANY, "-c", WATCH, str(markers[2])))
    assert pipes[1].stdin is not None
    pipes[1].stdin.close()
    assert place(markers[2]) == place(markers[1]) and Path(f"{markers[1]}.ended").exists()
    for process in pipes:
        assert process.wait(60) == 0 if process is pipes[1] else said(process)[0] == 0


def test_a_caller_that_is_killed_ends_the_program(two: Cluster, tmp_path: Path) -> None:
    process = pipe(two, ANY, "-c", WATCH, str(marker := tmp_path / "marker"))
    place(marker)
    process.kill()
    until(Path(f"{marker}.ended").exists)
    said(process)


def test_a_worker_that_is_killed_is_an_error_and_nothing_runs_again_elsewhere(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask") as ours:
        process = pipe(ours, ANY, "-c", WATCH, str(marker := tmp_path / "marker"))
        pid = place(marker)
        address = next(address for address, worker in ours.workers.items() if str(worker.pid) == pid)
        ours.kill(address)
        status, _, err = said(process)
        assert status == 255 and f"the Dask worker {address} has gone" in err
        until(Path(f"{marker}.ended").exists)
        # The other worker has got the task meanwhile, and is free as soon as nobody wants it.
        assert said(pipe(ours, ANY, "-c", "print(1)"))[:2] == (0, b"1\n")
        assert len(marker.read_text().splitlines()) == 1


def test_a_scheduler_that_is_killed_is_an_error_and_ends_the_program(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", workers=1) as ours:
        running = pipe(ours, ANY, "-c", WATCH, str(marker := tmp_path / "marker"))
        place(marker)
        waiting = pipe(ours, ANY, "-c", "")
        until(lambda: (ours.directory / "scheduler.log").read_text().count("Receive client connection") == 2)
        ours.scheduler.kill()
        for process in (running, waiting):
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
