"""A real Slurm of a few nodes on the loopback: slurmctld, and a slurmd for each node, without munge."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from waiting import until

CONFIG = """\
ClusterName=small
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool.%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
ReturnToService=2
SchedulerParameters=sched_interval=1
"""
NODE = "NodeName={name} NodeHostname=localhost Port={port} CPUs=1 RealMemory=100 State=UNKNOWN\n"
PARTITION = "PartitionName=all Nodes=ALL Default=YES State=UP\n"


@dataclass(frozen=True)
class Slurm:
    """One that runs."""

    place: Path

    def __call__(self, *words: str) -> str:
        """Run one of Slurm's commands; return what it printed."""
        environment = {**os.environ, "SLURM_CONF": str(self.place / "slurm.conf")}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def state(self, node: str) -> str:
        """Return the state of a node, such as IDLE+DRAIN, and the reason if it has one."""
        said = self("scontrol", "--oneliner", "show", "node", node)
        state, reason = re.search(r" State=(\S+)", said), re.search(r" Reason=(.*?) \[", said)
        assert state is not None
        answers = state[1].replace("+NOT_RESPONDING", "")  # for a moment after it was resumed
        return answers + (f" {reason[1]}" if reason else "")

    def allocate(self, node: str) -> None:
        """Allocate a node to a job, which runs nothing there: so its daemon cannot fail to start that, and end it."""
        self("salloc", "--no-shell", "-w", node)
        until(lambda: self.state(node) == "ALLOCATED", seen=lambda: self("scontrol", "show", "job"))

    def release(self, node: str) -> None:
        """End the job of a node."""
        self("scancel", "-w", node)


@contextlib.contextmanager
def small_slurm(place: Path, nodes: Sequence[str]) -> Iterator[Slurm]:
    """Run a Slurm of these nodes until the block ends; all of them are idle."""
    (place / "state").mkdir(parents=True)
    ports = _free_ports(len(nodes) + 1)
    lines = [NODE.format(name=name, port=port) for name, port in zip(nodes, ports[1:], strict=True)]
    config = CONFIG.format(ports=ports, place=place, user=getpass.getuser())
    (place / "slurm.conf").write_text("".join([config, *lines, PARTITION]))
    slurm = Slurm(place)
    with ExitStack() as running:
        _run(running, place, "slurmctld", "-D", "-i")
        for name in nodes:
            (place / f"spool.{name}").mkdir()
            _run(running, place, "slurmd", "-D", "-N", name)
        until(lambda: _are_idle(slurm, nodes), seen=lambda: [log.read_text()[-2000:] for log in place.glob("*.log")])
        yield slurm


def _are_idle(slurm: Slurm, nodes: Sequence[str]) -> bool:
    with contextlib.suppress(subprocess.CalledProcessError):  # slurmctld does not listen yet
        return all(slurm.state(node) == "IDLE" for node in nodes)
    return False


def _run(running: ExitStack, place: Path, program: str, *words: str) -> None:
    environment = {**os.environ, "SLURM_CONF": str(place / "slurm.conf"), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    log = running.enter_context((place / f"{program}{words[-1]}.log").open("wb"))
    process = subprocess.Popen([program, *words], env=environment, stdout=log, stderr=log)
    running.callback(process.wait, 30)
    running.callback(process.kill)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
