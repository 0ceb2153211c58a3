"""A place that is reached by a pipe: a program here whose other end is a Python there, as ssh is one.

That Python needs nothing of ours: our code and the inputs of an order go there by digest, if they are not there from
the last time (code.py, serving.py).
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import socket
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from typing import IO, Any

from sbkernel import resources
from sbkernel.errors import JobCancelledError, JobError
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.launchers import code, wire
from sbkernel.jobs.launchers.relay import Keep, Relayed, Relaying
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report
from sbkernel.jobs.spawn import PIPE, Process, end, spawn

SILENCE_S = 60.0
"""How long a connection may be silent before each side takes it for lost."""
FIRST = "import sys;f=sys.stdin.buffer;exec(f.read(int(f.readline())).decode());main(f)"
"""What the Python there is to run."""
_PATIENCE_S = 5.0
"""How long a pipe whose other end is gone has, to say with which status."""


class Piped(Relayed):
    """A place at the other end of a pipe."""

    silence_s = SILENCE_S

    @abstractmethod
    def __str__(self) -> str:
        """Return what errors call the place."""

    @abstractmethod
    def argv(self) -> list[str]:
        """Return the program that is a pipe to a Python there that runs FIRST."""

    @abstractmethod
    def unreached(self, said: Sequence[str], status: int) -> JobError:
        """Return the error for a pipe that ended with a status before there was a Python; `said` is what it said."""

    def carry_out(self, order: Order, inputs: Blobs, report: Report, keep: Keep) -> Mapping[str, Any]:
        """Have the order carried out there."""
        asked = {"text": order.text, "site": _name_of(inputs), "silence_s": self.silence_s}
        wanted = frozenset(order.inputs.values())
        with _connected(self, report) as there, Relaying(report) as told:
            try:
                return _follow(there, asked, wanted, inputs, told, keep)
            except JobCancelledError:
                if there.ask_to_cancel():
                    with suppress(JobError, JobCancelledError):
                        _follow(there, asked, wanted, inputs, told, keep)
                raise


def _follow(
    there: _Connection, asked: Mapping[str, Any], wanted: Set[str], inputs: Blobs, told: Relaying, keep: Keep
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
                    if digest not in wanted:
                        raise JobError(f"{there.place} asks for what the order does not name")
                    _send_input(there, inputs, digest)
            case wire.ERROR:
                raise JobError(f"{there.place}: {data['error']}", hint=data.get("hint"))
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
def _connected(place: Piped, report: Report) -> Iterator[_Connection]:
    process = spawn(place.argv(), stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        connection = _Connection(place, process, report)
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

    def __init__(self, place: Piped, process: Process, report: Report) -> None:
        self.place = place
        self.sender = wire.Sender(_pipe(process.stdin, "wb"))
        self.closed, self.ordered = threading.Event(), threading.Event()
        self._process = process
        self._report = report
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
        """Return the error for a connection that has ended too early, with what the pipe said of it."""
        status = end(self._process, patience_s=_PATIENCE_S)
        self._errors.join(5.0)
        if not self.ordered.is_set():
            return self.place.unreached(self._said, status)
        last = self._said[-1] if self._said else f"its pipe ended with status {status}"
        return JobError(
            f"the connection to {self.place} was lost: {last}",
            hint="what was finished there is kept: give the order again to go on",
        )

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
                self._report.log(f"{self.place}: {text}")

    def _beat(self) -> None:
        while not self.closed.wait(self.place.silence_s / 4):
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
