"""A Dask cluster on loopback: a scheduler and workers, each a process of its own as on machines of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from waiting import until

TESTS = Path(__file__).resolve().parent
PRELOAD = "sbkernel.jobs.launchers.dask.worker"
QUIET = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]


class Cluster:
    """The processes, whose files and logs lie in a directory."""

    def __init__(self, directory: Path, protocol: str, environment: Mapping[str, str]) -> None:
        self.directory = directory
        search = os.pathsep.join(map(str, (TESTS.parent, TESTS / "jobs")))
        caches = {"XDG_CACHE_HOME": str(directory / "far cache")}
        self.environment = {**os.environ, "PYTHONPATH": search, **caches, **environment}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.scheduler = self._start("scheduler", "scheduler", [*QUIET, "--port", "0", "--protocol", protocol])
        self.address = self._said("scheduler", "Scheduler at:")

    def add(self, count: int = 1, *options: str) -> list[str]:
        """Start workers with a thread each; return their addresses, once the scheduler knows them."""
        words = [self.address, *QUIET, "--nthreads", "1", "--no-nanny", "--preload", PRELOAD, *options]
        names = [f"worker{len(self._processes) + number}" for number in range(count)]
        started = [self._start(name, "worker", words) for name in names]
        addresses = [self._said(name, "Start worker at:") for name in names]
        self.workers |= dict(zip(addresses, started, strict=True))
        for name in names:
            self._said(name, "Registered to:")
        return addresses

    def kill(self, worker: str) -> None:
        """Kill a worker as a crash would."""
        process = self.workers.pop(worker)
        process.kill()
        process.wait()

    def left(self) -> list[str]:
        """Return the command lines of what runs of the orders that workers had."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                found.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return [line for line in found if self.environment["XDG_CACHE_HOME"] in line]

    def end(self) -> None:
        """End all of it."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def _start(self, name: str, kind: str, words: Sequence[str]) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words]
        with (self.directory / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                argv, cwd=self.directory, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return self._processes[name]

    def _said(self, name: str, before: str) -> str:
        """Return the word behind some others in a log, once it is there."""
        log = self.directory / f"{name}.log"
        found = until(
            lambda: [line for line in log.read_text().splitlines(keepends=True) if before in line and line[-1] == "\n"],
            unless=lambda: self._processes[name].poll() is not None,
            seen=log.read_text,
        )
        return found[0].split(before)[1].strip()


@contextmanager
def cluster(directory: Path, workers: int = 2, protocol: str = "tcp", **environment: str) -> Iterator[Cluster]:
    """Run a scheduler and workers for a block."""
    directory.mkdir(exist_ok=True)
    started = Cluster(directory, protocol, environment)
    try:
        started.add(workers)
        yield started
    finally:
        started.end()
