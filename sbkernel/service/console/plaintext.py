"""Terminal output to plain text, as a stream: the result does not depend on where the bytes were cut."""

from __future__ import annotations

import re

# ECMA-48: CSI sequences, OSC/DCS/APC/PM strings (ended by BEL or ST), charset and two-byte escapes.
_ESCAPE = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]{0,64}[ -/]{0,8}[@-~]"
    rb"|[\]PX^_][^\x07\x1b]{0,512}(?:\x07|\x1b\\)"
    rb"|[ -/]{1,4}[0-~]"
    rb"|[0-OQ-WYZ\\`-~]"
    rb")|\x1b"
)
_CUT_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,512}\x1b?|[ -/]{1,4})?\Z")
_NOISE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")


class PlainText:
    """Drop escape sequences and control bytes (tab, newline and carriage return stay) from a stream."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return the plain part of these bytes; an escape sequence that is cut off waits for its end."""
        data = self._held + data
        cut = _first_cut(data)
        self._held = data[cut:]
        return _NOISE.sub(b"", _ESCAPE.sub(b"", data[:cut]))


def _first_cut(data: bytes) -> int:
    """Return where a sequence begins that more bytes could complete, or the length."""
    position = data.find(b"\x1b")
    while position >= 0:
        if _CUT_ESCAPE.match(data, position):
            return position
        whole = _ESCAPE.match(data, position)
        position = data.find(b"\x1b", whole.end() if whole else position + 1)
    return len(data)


def plain(data: bytes) -> str:
    """Return a piece of a console log as text with `\\n` line ends."""
    text = _NOISE.sub(b"", _ESCAPE.sub(b"", data)).decode(errors="replace")
    return re.sub(r"\r+\n|\r", "\n", text)
