"""Run orders on a host that ssh reaches: it needs Python and what the order itself runs, and nothing of ours.

Our code and the inputs of the order go there by digest, if they are not there from the last time (code.py,
serving.py). Keys, names and ports are those of the user's ssh; no password is ever asked for, and the key of the host
has to be known (ssh_config(5): BatchMode, StrictHostKeyChecking).
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from sbkernel import resources
from sbkernel.errors import JobCancelledError, JobError
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.launchers import code, wire
from sbkernel.jobs.launchers.relay import Keep, Relayed, Relaying
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report
from sbkernel.jobs.spawn import PIPE, Process, end, spawn

SILENCE_S = 60.0
"""How long a connection may be silent before each side takes it for lost; $SBKERNEL_SSH_TIMEOUT is another time."""

_ADDRESS = re.compile(r"(?:([A-Za-z_][\w.-]*)@)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][\w.-]*))(?::(\d{1,5}))?", re.ASCII)
_FIRST = "import sys;f=sys.stdin.buffer;exec(f.read(int(f.readline())).decode());main(f)"
# Modules that distributions bring are those of their own Python. Whatever shell the user has there reads this.
_COMMAND = f"exec sh -c 'PATH=/usr/bin:$PATH exec python3 -Ic \"{_FIRST}\"'"
_HINTS = {
    "HOST IDENTIFICATION HAS CHANGED": "ask whoever runs it whether its key was changed",
    "Host key verification failed": "log in there once by hand, and compare its key",
    "Permission denied": "ssh has to log in there without a password: ssh-copy-id",
}


class Host(NamedTuple):
    """How ssh is told where to go."""

    name: str
    user: str = ""
    port: str = ""

    def __str__(self) -> str:
        """Return it as it was given."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return "".join([f"{self.user}@" if self.user else "", name, f":{self.port}" if self.port else ""])


def read_address(text: str) -> Host | None:
    """Return what [USER@]HOST[:PORT] names; None for anything else. An address of IPv6 stands in brackets."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[4] or 22) not in range(1, 65536):
        return None
    return Host(match[2] or match[3], match[1] or "", match[4] or "")


class Ssh(Relayed):
    """A host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def carry_out(self, order: Order, inputs: Blobs, report: Report, keep: Keep) -> Mapping[str, Any]:
        """Have the order carried out there."""
        silence_s = float(os.environ.get("SBKERNEL_SSH_TIMEOUT") or SILENCE_S)
        asked = {"text": order.text, "site": _name_of(inputs), "silence_s": silence_s}
        with _connected(self.host, silence_s, report) as there, Relaying(report) as told:
            try:
                return _follow(there, asked, inputs, told, keep)
            except JobCancelledError:
                if there.ask_to_cancel():
                    with suppress(JobError, JobCancelledError):
                        _follow(there, asked, inputs, told, keep)
                raise


def _follow(
    there: _Connection, asked: Mapping[str, Any], inputs: Blobs, told: Relaying, keep: Keep
) -> Mapping[str, Any]:
    """Answer what is asked, and pass on what is told, until the order has ended."""
    there.begin()
    for message, content in there.messages():
        data = {key: value for key, value in message.items() if key != "kind"}
        match message["kind"]:
            case wire.CODE:
                there.sender.raw(code.packed())
            case wire.READY:
                there.sender.send(wire.ORDER, **asked)
                there.ordered.set()
            case wire.NEED:
                for digest in data["digests"]:
                    _send_input(there, inputs, digest)
            case wire.ERROR:
                raise JobError(f"{there.host}: {data['error']}", hint=data.get("hint"))
            case "artefact" if content:
                try:
                    keep(data["name"], data["digest"], data["size"], content)
                except wire.WireError:
                    raise there.lost() from None
            case wire.LOG:
                told.log(data["line"])
            case kind:
                told.event(kind, data)
                if kind == "state" and data["state"] == "succeeded":
                    return told.result
    raise there.lost()


def _send_input(there: _Connection, inputs: Blobs, digest: str) -> None:
    with inputs.path(digest).open("rb") as content:
        there.sender.send(wire.BLOB, content, size=os.fstat(content.fileno()).st_size)


def _name_of(inputs: Blobs) -> str:
    """Return what the site is called there that is kept for ours: the inputs lie in a place of it."""
    mine = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
    return f"s-{mine}-{hashlib.sha256(os.fsencode(inputs.directory)).hexdigest()[:12]}"


@contextmanager
def _connected(host: Host, silence_s: float, report: Report) -> Iterator[_Connection]:
    alive_s = max(1, int(silence_s / 4))
    options = [
        "BatchMode=yes", "StrictHostKeyChecking=yes", "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no",
        "PermitLocalCommand=no", "RequestTTY=no", "RemoteCommand=none", "ControlMaster=no",
        f"ConnectTimeout={max(1, int(silence_s / 2))}", f"ServerAliveInterval={alive_s}", "ServerAliveCountMax=3",
    ]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    words += ["-l", host.user] if host.user else []
    words += ["-p", host.port] if host.port else []
    argv = ["ssh", "-T", *words, "--", host.name, _COMMAND]
    process = spawn(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        connection = _Connection(host, process, report, alive_s)
        try:
            yield connection
        except BrokenPipeError:
            raise connection.lost() from None
        finally:
            connection.closed.set()
    finally:
        end(process, 1.0)


_Read = tuple[Mapping[str, Any], wire.Content | None, threading.Event]
"""A message, what is behind it, and how its reader says that he has that."""


class _Connection:
    """A connection. Threads read from it, so that a signal never cuts a message short."""

    def __init__(self, host: Host, process: Process, report: Report, beat_s: float) -> None:
        self.host = host
        self.sender = wire.Sender(_pipe(process.stdin, "wb"))
        self.closed, self.ordered = threading.Event(), threading.Event()
        self._process = process
        self._report = report
        self._beat_s = beat_s
        self._begun = False
        self._said: deque[str] = deque(maxlen=20)
        self._content: wire.Content | None = None
        self._read: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        self._errors = self._beside(self._read_errors, _pipe(process.stderr, "rb"))
        self._beside(self._read_messages, _pipe(process.stdout, "rb"))
        self._beside(self._beat)

    def begin(self) -> None:
        """Send what takes our code there and starts it, once."""
        if self._begun:
            return
        self._begun = True
        text = (resources.templates() / "jobs" / "arrive.py").read_bytes()
        self.sender.raw(b"%d\n" % len(text) + text)
        self.sender.send(wire.CODE, digest=hashlib.sha256(code.packed()).hexdigest(), size=len(code.packed()))

    def messages(self) -> Iterator[tuple[Mapping[str, Any], wire.Content | None]]:
        """Yield what comes, with the content behind it, which has to be read before the next, to the end."""
        while (read := self._read.get()) is not None:
            message, content, taken = read
            yield message, content
            taken.set()

    def ask_to_cancel(self) -> bool:
        """Ask for the order to be cancelled; False if that can only be done by closing the connection."""
        if not self.ordered.is_set() or self.sender.broken or (self._content and self._content.left):
            return False
        with suppress(OSError):
            self.sender.send(wire.CANCEL)
            return True
        return False

    def lost(self) -> JobError:
        """Return the error for a connection that has ended too early, with what ssh said of it."""
        status = end(self._process, 5.0)
        self._errors.join(5.0)
        said = "\n".join(self._said)
        last = self._said[-1] if self._said else f"ssh ended with status {status}"
        if self.ordered.is_set():
            return JobError(
                f"the connection to {self.host} was lost: {last}",
                hint="what was finished there is kept: give the order again to go on",
            )
        if status in (126, 127):
            return JobError(f"{self.host} has no python3", hint="apt-get install python3 there; 3.11 or newer")
        hint = next((hint for text, hint in _HINTS.items() if text in said), f"does `ssh {self.host.name} true` work?")
        return JobError(f"cannot reach {self.host}: {last}", hint=hint)

    def _beside(self, function: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        return thread

    def _read_messages(self, stream: IO[bytes]) -> None:
        greeted = False
        try:
            while True:
                try:
                    message = wire.receive(stream)
                except wire.WireError as error:
                    if greeted:
                        raise
                    self._report.log(error.message)  # what files of a shell print when somebody logs in
                    continue
                if message is None:
                    break
                greeted = True
                self._content = wire.Content(stream, message["size"]) if message["kind"] == "artefact" else None
                self._read.put((message, self._content, taken := threading.Event()))
                if self._content:
                    taken.wait()
        except (wire.WireError, OSError, ValueError) as error:
            self._said.append(str(error))
        finally:
            self._read.put(None)

    def _read_errors(self, stream: IO[bytes]) -> None:
        for line in stream:
            if text := line.decode(errors="replace").strip():
                self._said.append(text)
                self._report.log(f"{self.host}: {text}")

    def _beat(self) -> None:
        while not self.closed.wait(self._beat_s):
            if self.ordered.is_set():
                try:
                    self.sender.send(wire.BEAT)
                except OSError:
                    return


def _pipe(pipe: IO[bytes] | None, mode: str) -> IO[bytes]:
    """Return a pipe of a process as a stream of our own: that of the process is closed when it is ended."""
    if pipe is None:
        raise TypeError("the process was started without this pipe")
    return os.fdopen(os.dup(pipe.fileno()), mode, buffering=0 if mode == "wb" else -1)
