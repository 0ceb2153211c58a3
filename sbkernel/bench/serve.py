"""The rows `serve`: boot HTTP of the service beside nginx, which sends the same files to as many clients."""

from __future__ import annotations

import functools
import grp
import hashlib
import os
import pwd
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from sbkernel.bench.clock import interleaved
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import Workspace
from sbkernel.definitions.newsite import free_ports
from sbkernel.errors import ServiceError
from sbkernel.jobs import spawn
from sbkernel.jobs.run import run
from sbkernel.netboot.render import render_template
from sbkernel.service.client import Service

RUNS = 5
IMAGE_GOAL = Goal(1 / 0.95, "at least 0.95 of nginx")
_CLIENTS = 4
_IMAGE_BYTES = 300_000_000
_IMAGES_EACH = 3
_SCRIPTS = 500
_START_S = 10.0


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Let four clients fetch an image three times each, and then 500 boot scripts each, one connection a script."""
    work.say("serve: an image and boot scripts, by the service and by nginx")
    image, scripts = _fill(work.site.boot)
    service = Service(work.site).ensure()
    try:
        with _nginx(work) as port:
            ports = (work.site.http_port, port)
            yield _row(work, "serve image", ports, [image] * _IMAGES_EACH, IMAGE_GOAL)
            yield _row(work, "serve boot scripts", ports, scripts, None)
    finally:
        service.stop()


def _row(work: Workspace, name: str, ports: tuple[int, int], paths: Sequence[str], goal: Goal | None) -> BenchRow:
    ours, peer = (functools.partial(_fetch_all, port, paths) for port in ports)
    spells = interleaved(ours, peer, work.runs_or(RUNS))
    sums = [_sum_of(port, paths[-1]) for port in ports]
    check = Check("both send the same bytes", ok=sums[0] == sums[1], found=" ".join(one[:12] for one in sums))
    what = f"{_CLIENTS} clients, {len(paths)} files each"
    return BenchRow(name, f"boot HTTP, {what}", f"nginx, {what}", spells.ours_s, spells.peer_s, (check,), goal)


def _fill(boot: Path) -> tuple[str, list[str]]:
    """Make an image and boot scripts; return their paths."""
    directory = boot / "bench"
    directory.mkdir(parents=True)
    block = os.urandom(1_000_000)
    with (directory / "image").open("wb") as image:
        for _ in range(_IMAGE_BYTES // len(block)):
            image.write(block)
    for number in range(_SCRIPTS):
        (directory / f"n{number}.ipxe").write_bytes(block[:1500])
    return "/boot/bench/image", [f"/boot/bench/n{number}.ipxe" for number in range(_SCRIPTS)]


def _fetch_all(port: int, paths: Sequence[str]) -> None:
    """Fetch all paths by each client, a connection for each file, as nodes do."""
    lines = (f'url = "http://127.0.0.1:{port}{path}"\noutput = "/dev/null"\n' for path in paths)
    words = ["curl", "--silent", "--fail", "--no-keepalive", "--header", "Connection: close", "--config", "-"]
    told = "".join(lines)
    with ThreadPoolExecutor(_CLIENTS) as clients:
        for _ in clients.map(lambda _: run(words, input=told), range(_CLIENTS)):
            pass


def _sum_of(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return hashlib.sha256(answer.read()).hexdigest()


@contextmanager
def _nginx(work: Workspace) -> Iterator[int]:
    """Run nginx on the boot directory of the site; yield its port."""
    root = work.fresh("nginx")
    port, _ = free_ports(None)
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    conf = root / "nginx.conf"
    conf.write_text(
        render_template("bench/nginx.conf", root=root, port=port, boot=work.site.boot, user=user, group=group)
    )
    child = spawn.spawn(["nginx", "-c", conf, "-e", root / "error.log"], process_group=0)
    try:
        _await(port, root / "error.log")
        yield port
    finally:
        spawn.end(child)


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ServiceError("nginx does not start", hint=log.read_text() if log.exists() else None)
