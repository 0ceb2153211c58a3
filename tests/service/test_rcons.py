"""The verbs at the command line: rcons in a real terminal (a pty), rpower, service, nodestat."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_rig import Bmcs, Node, read_until
from waiting import until

from sbkernel.netboot import bootlog
from sbkernel.service.client import Service
from sbkernel.site import Site

SB = [sys.executable, "-m", "sbkernel.cli"]


def sb(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SB, "--site", str(site.root), *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


class Terminal:
    """rcons in a pseudo-terminal."""

    def __init__(self, site: Site, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        command = [*SB, "--site", str(site.root), "rcons", *words]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        self.text = b""

    def read_until(self, words: bytes, timeout_s: float = 60) -> None:
        os.set_blocking(self.master, False)
        until(lambda: words in self._read(), timeout_s, seen=self.text.decode)

    def _read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self.text += os.read(self.master, 4096)
        return self.text

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def node(site: Site, bmcs: Bmcs, service: Service) -> Node:
    node = bmcs.add(site, "n1")
    node.machine.power = node.machine.echo = True
    service.ensure()
    until(lambda: (service.status() or {})["consoles"] == {"n1": "connected"})
    return node


@pytest.fixture
def terminal(site: Site, node: Node) -> Iterator[Terminal]:
    terminal = Terminal(site, "n1")
    terminal.read_until(b"Ctrl-e c . leaves")
    yield terminal
    terminal.close()


def test_typing_leaving_and_the_terminal_afterwards(terminal: Terminal, node: Node) -> None:
    until(lambda: termios.tcgetattr(terminal.slave)[3] & termios.ICANON == 0)
    terminal.type(b"echo me\x03\r")
    terminal.read_until(b"echo me\x03\r")
    terminal.type(b"\x05c?")
    terminal.read_until(b"take the keyboard")
    terminal.type(b"\x05c.")
    terminal.read_until(b"left the console")
    assert terminal.process.wait(60) == 0
    assert node.machine.typed == b"echo me\x03\r"
    assert termios.tcgetattr(terminal.slave) == terminal.before


def test_taking_and_giving_up_the_keyboard(terminal: Terminal, node: Node, service: Service) -> None:
    until(lambda: termios.tcgetattr(terminal.slave)[3] & termios.ICANON == 0)
    terminal.type(b"a")
    until(lambda: node.machine.typed == b"a")
    with service.console("n1", mode="force") as other:
        terminal.read_until(b"took the keyboard")
        terminal.type(b"b\x05cf")
        read_until(other, b"took the keyboard")
        terminal.type(b"c")
        until(lambda: node.machine.typed == b"ac")
        terminal.type(b"\x05cs")
        read_until(other, b"you have the keyboard now")
        terminal.type(b"d\x05c.")
        assert terminal.process.wait(60) == 0
    assert node.machine.typed == b"ac"


def test_without_a_terminal_it_streams(site: Site, bmcs: Bmcs, node: Node) -> None:
    command = [*SB, "--site", str(site.root), "rcons", "n1", "--for", "3"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def ended() -> bool:
        bmcs.say(node, b"tick\r\n")
        return process.poll() is not None

    until(ended, every_s=0.1)
    assert b"tick\r\ntick" in process.communicate(timeout=30)[0]
    assert process.returncode == 0


def test_rpower_prints_one_line_a_node(site: Site, bmcs: Bmcs, node: Node) -> None:
    bmcs.add(site, "n2", bmcpassword="wrong")
    done = sb(site, "rpower", "n1,n2", "stat")
    assert (done.returncode, done.stdout) == (1, "n1: on\n")
    host = os.uname().nodename.partition(".")[0]
    assert done.stderr.startswith(f"n2: [{host}]: Error: wrong password")
    assert "s3cret" not in done.stdout + done.stderr
    assert sb(site, "rsetboot", "n1", "net", "-p").stdout == "n1: Network\n"
    assert sb(site, "rsetboot", "n1", "stat").stdout == "n1: Network\n"


def test_mass_change_at_the_command_line(site: Site, bmcs: Bmcs, service: Service) -> None:
    for number in range(9):
        bmcs.add(site, f"n{number}")
    refused = sb(site, "rpower", "all", "reset")
    assert (refused.returncode, "--confirm 9" in refused.stderr) == (1, True)
    assert sb(site, "rpower", "all", "reset", "--confirm", "9").stdout.count(": off\n") == 9


def test_service_verbs(site: Site, service: Service) -> None:
    assert (sb(site, "service", "status").returncode, sb(site, "service", "stop").stdout) == (3, "was not running\n")
    started = sb(site, "service", "start")
    assert (started.returncode, f"http://127.0.0.1:{site.http_port}/" in started.stdout) == (0, True)
    assert sb(site, "service", "restart").stdout.splitlines()[0] != started.stdout.splitlines()[0]
    assert sb(site, "service", "stop").stdout == "stopped\n"
    unit = sb(site, "service", "unit").stdout
    assert f"ExecStart={sys.executable} -m sbkernel.service --site {site.root}\n" in unit
    assert "@" not in unit


def test_the_unit_is_one_that_systemd_takes(site: Site, tmp_path: Path) -> None:
    unit = tmp_path / "sbkernel.service"
    unit.write_text(sb(site, "service", "unit").stdout)
    keys = {line.partition("=")[0] for line in unit.read_text().splitlines() if "=" in line and line[0] not in "#["}
    assert keys >= {"ExecStart", "User", "Restart", "WantedBy"}


def test_nodestat(site: Site) -> None:
    site.set("node", "n1", groups="all", vmsshport="1")
    site.set("node", "n2", groups="all", vmsshport="1")
    bootlog.append(site, "n1", "power-on", 1000.0)
    bootlog.append(site, "n1", "ipxe", 1005.5)
    bootlog.append(site, "n1", "failed", 1010.0, reason="image not found")
    lines = sb(site, "nodestat", "all").stdout.splitlines()
    assert re.match(r"n1: noping \(failed 10.0 s after power-on, at .*: reason image not found\)", lines[0])
    assert lines[1] == "n2: noping (no boot seen)"
    table = sb(site, "nodestat", "n1", "--timeline").stdout
    assert [line.split()[3] for line in table.splitlines()[1:]] == ["power-on", "ipxe", "failed"]
