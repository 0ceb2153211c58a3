"""The escape sequences of rcons, as conserver has them: `Ctrl-e c` and one more key."""

from __future__ import annotations

from dataclasses import dataclass

_PREFIX = b"\x05c"
HELP = (
    b"\r\n[ Ctrl-e c .  leave    Ctrl-e c ?  this help    Ctrl-e c f  take the keyboard    Ctrl-e c s  watch only"
    b"    Ctrl-e c e  send Ctrl-e c ]\r\n"
)


@dataclass(frozen=True)
class Keys:
    """What was typed: bytes for the node, and the commands (one letter each) between them."""

    data: bytes
    commands: str


class EscapeReader:
    """Split what is typed into bytes for the node and commands for us, wherever the reads were cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, typed: bytes) -> Keys:
        """Return the bytes to send and the commands given; reading stops at `.`."""
        data, commands = bytearray(), ""
        for byte in typed:
            self._held += bytes([byte])
            if _PREFIX.startswith(self._held):
                continue
            if self._held[:-1] != _PREFIX:
                data += self._give_up()
                continue
            key, self._held = chr(byte), b""
            if key == "e":
                data += _PREFIX
            elif key in ".?fs":
                commands += key
            if key == ".":
                break
        return Keys(bytes(data), commands)

    def _give_up(self) -> bytes:
        """Return held bytes that turned out not to be an escape; a new Ctrl-e stays held."""
        held, self._held = self._held, b""
        if held[-1:] == _PREFIX[:1]:
            self._held = held[-1:]
            return held[:-1]
        return held
