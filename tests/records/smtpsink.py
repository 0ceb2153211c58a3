"""A mail server on loopback that keeps what it is given (RFC 5321), and can refuse it."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class Sink(socketserver.ThreadingTCPServer):
    """What came: envelopes and messages. It refuses the first `refusals` senders, as greylisting does."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refusals: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.refusals = refusals
        self.commands: list[str] = []
        self.messages: list[str] = []

    @property
    def place(self) -> str:
        """Return HOST:PORT."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            self.server.commands.append(line)
            verb = line.split()[0].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "MAIL" and self.server.refusals:
                self.server.refusals -= 1
                self._say("451 try again later")
            elif verb == "DATA":
                self._say("354 go on")
                self.server.messages.append(self._data())
                self._say("250 kept")
            else:
                self._say("250 sink")

    def _data(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextlib.contextmanager
def mail_sink(refusals: int = 0) -> Iterator[Sink]:
    """Serve until the block ends."""
    with Sink(refusals) as sink:
        threading.Thread(target=sink.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield sink
        finally:
            sink.shutdown()
