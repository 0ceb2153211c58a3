"""Who is attached to one console: the first may write, others watch; everybody sees every byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

Mode = Literal["auto", "force", "spy"]
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(eq=False)
class Attachment:
    """One client: `show` hands it bytes of the console, `spy` means that it never wants to write."""

    show: Callable[[bytes], None]
    spy: bool = False


@dataclass
class Hub:
    """The clients of one console, in the order in which they came."""

    clients: list[Attachment] = field(default_factory=list)
    writer: Attachment | None = None

    def attach(self, client: Attachment, mode: Mode) -> None:
        """Add a client; it gets write access if nobody has it, or takes it over with `force`."""
        client.spy = mode == "spy"
        self.clients.append(client)
        if mode == "force":
            self.take_over(client)
        elif mode == "auto" and self.writer is None:
            self.writer = client

    def detach(self, client: Attachment) -> None:
        """Remove a client; the write access goes to whoever has waited longest."""
        if client in self.clients:
            self.clients.remove(client)
        if client is self.writer:
            self._hand_on()

    def take_over(self, client: Attachment) -> None:
        """Give a client the write access; the one who had it watches and is told."""
        former, self.writer, client.spy = self.writer, client, False
        if former and former is not client:
            former.show(notice("somebody else took the keyboard; you are watching"))

    def broadcast(self, data: bytes) -> None:
        """Show bytes to every client."""
        for client in list(self.clients):
            client.show(data)

    def _hand_on(self) -> None:
        self.writer = next((client for client in self.clients if not client.spy), None)
        if self.writer:
            self.writer.show(notice("you have the keyboard now"))


def notice(text: str) -> bytes:
    """Return words of ours as they appear between the words of a console."""
    return f"\r\n[sb: {text}]\r\n".encode()
