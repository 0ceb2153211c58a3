"""xCAT's rcons: the serial console of a node in this terminal."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import click

from sbkernel.cli.common import pass_site
from sbkernel.service.client import Service
from sbkernel.service.escape import HELP, EscapeReader
from sbkernel.site import Site

_REPLAY_BYTES = 2048
_MODE_OF_KEY = {"f": "force", "s": "spy"}


@click.command()
@click.argument("node")
@click.option("-f", "mode", flag_value="force", help="Take the keyboard over from whoever has it.")
@click.option("-s", "mode", flag_value="spy", help="Only watch.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="Leave after this time (without a terminal).")
@pass_site
def command(site: Site, node: str, mode: str | None, seconds: float | None) -> None:
    """Open the serial console of a node. Ctrl-e c . leaves, Ctrl-e c ? helps.

    Without a terminal it only watches: the console goes to standard output until the service ends or for SECONDS.
    """
    service = Service(site)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        with service.console(node, mode="spy") as line:
            _stream(line, seconds)
        return
    click.echo(f"[ {node}: Ctrl-e c . leaves, Ctrl-e c ? helps ]")
    with _raw_terminal():
        _session(service, node, mode or "auto")
    click.echo(f"\n[ {node}: left the console ]")


def _stream(line: socket.socket, seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        line.settimeout(None if deadline is None else max(0.01, deadline - time.monotonic()))
        try:
            data = line.recv(65536)
        except TimeoutError:
            return
        if not data:
            return
        _show(data)


def _session(service: Service, node: str, mode: str) -> None:
    """Attach, and attach again in another mode when that was asked for, until the user leaves."""
    reader, replay, wanted = EscapeReader(), _REPLAY_BYTES, mode
    while wanted:
        with service.console(node, mode=wanted, replay=replay) as line:
            wanted = _pass_both_ways(line, reader)
        replay = 0


def _pass_both_ways(line: socket.socket, reader: EscapeReader) -> str:
    """Pass bytes between terminal and node; return the mode to attach in again, "" to leave."""
    keyboard = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([line, keyboard], [], [])
        if line in ready:
            data = line.recv(65536)
            if not data:
                return ""
            _show(data)
        if keyboard in ready:
            keys = reader.feed(os.read(keyboard, 4096))
            line.sendall(keys.data)
            if "?" in keys.commands:
                _show(HELP)
            if "." in keys.commands:
                return ""
            for key in keys.commands:
                if key in _MODE_OF_KEY:
                    return _MODE_OF_KEY[key]


def _show(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextmanager
def _raw_terminal() -> Iterator[None]:
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
