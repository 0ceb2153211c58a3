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
from sbkernel.service.console.escape import HELP, EscapeReader
from sbkernel.service.console.plaintext import PlainText
from sbkernel.site import Site

_REPLAY_BYTES = 2048
_MODE_OF_KEY = {"f": "force", "s": "spy"}


@click.command()
@click.argument("node")
@click.option("-f", "mode", flag_value="force", help="Take the keyboard from whoever has it.")
@click.option("-s", "mode", flag_value="spy", help="Only watch.")
@click.option(
    "--for", "seconds", type=float, metavar="SECONDS", help="Watch, and leave after this time. Default: no limit."
)
@click.option("--until", metavar="TEXT", help="Watch this boot, and leave when the node has written TEXT.")
@pass_site
def command(site: Site, node: str, mode: str | None, seconds: float | None, until: str | None) -> int:
    """Open the serial console of a node. Ctrl-e c . leaves it, Ctrl-e c ? shows help.

    Without a terminal, with --for and with --until it only watches, and what the node writes goes to stdout. With
    --until the exit status is 1 when the text did not come.

    \b
    Example:
      sb rcons vn1 --until 'login:' --for 300
    """
    service = Service(site)
    if until or seconds is not None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        with service.console(node, mode="spy", replay="boot" if until else 0) as line:
            return int(not _stream(line, seconds, until))
    click.echo(f"[ {node}: Ctrl-e c . leaves, Ctrl-e c ? helps ]")
    with _raw_terminal():
        _session(service, node, mode or "auto")
    click.echo(f"\n[ {node}: left the console ]")
    return 0


def _stream(line: socket.socket, seconds: float | None, until: str | None) -> bool:
    """Show what the node writes until the text, the deadline or the end; return false if no text came."""
    deadline = None if seconds is None else time.monotonic() + seconds
    plain, wanted, seen = PlainText(), (until or "").encode(), b""
    while data := _receive(line, deadline):
        _show(data)
        seen += plain.feed(data)
        if wanted and wanted in seen:
            return True
        seen = seen[len(seen) - len(wanted) :] if len(seen) > len(wanted) else seen
    return not wanted


def _receive(line: socket.socket, deadline: float | None) -> bytes:
    """Return the next bytes, or b"" at the deadline and at the end."""
    left_s = None if deadline is None else deadline - time.monotonic()
    if left_s is not None and left_s <= 0:
        return b""
    line.settimeout(left_s)
    try:
        return line.recv(65536)
    except TimeoutError:
        return b""


def _session(service: Service, node: str, mode: str) -> None:
    """Attach, and attach again for each change of mode, until the user leaves."""
    reader, replay, wanted = EscapeReader(), _REPLAY_BYTES, mode
    while wanted:
        with service.console(node, mode=wanted, replay=replay) as line:
            wanted = _pass_both_ways(line, reader)
        replay = 0


def _pass_both_ways(line: socket.socket, reader: EscapeReader) -> str:
    """Pass bytes between terminal and node; return the mode to attach in next, or "" to leave."""
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
