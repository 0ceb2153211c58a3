"""Mend the lines that systemd shortens on a console, so that what follows them is not bold and nothing is lost.

A serial line has no width, so systemd takes 80 columns and cuts the middle out of longer lines. Until version 253 it
counts escape sequences as text: the cut may go through one, or take away the one that ends the colour
(systemd/systemd#24502). The log keeps the bytes as they came.
"""

from __future__ import annotations

import re

RESET = b"\x1b[0m"
_ELLIPSIS = "…".encode()
_BEGUN = rb"\x1b(?:\[[\d;]{0,16})?"
_CUT = re.compile(_BEGUN + rb"(?=" + _ELLIPSIS + rb")")
_REST = re.compile(_ELLIPSIS + rb"(?:\[?0m|(?:(?:\[?0)?;?1)?;?39m)")
"""What is left of the two sequences of a line, \\e[0;1;39m and \\e[0m, when the cut ends in one."""
_UNFINISHED = re.compile(rb"(?:(?:" + _BEGUN + rb")?(?:(?:\xe2(?:\x80)?)?|" + _ELLIPSIS + rb"[\[\d;]{0,8})|\r{1,4})\Z")
_LINE_END = re.compile(rb"(\r*\n)")


class Mender:
    """Mend a stream piece by piece. A sequence or a sign that a piece breaks off waits for the next piece."""

    def __init__(self) -> None:
        self._waiting = b""
        self._shortened = False  # there was an ellipsis in the line that has begun

    def feed(self, data: bytes) -> bytes:
        """Return the next piece, with the colour ended where a shortened line ends."""
        data = self._waiting + data
        found = _UNFINISHED.search(data)
        at = found.start() if found else len(data)
        data, self._waiting = data[:at], data[at:]
        data = _REST.sub(_ELLIPSIS, _CUT.sub(RESET, data))
        return b"".join(map(self._part, _LINE_END.split(data)))

    def _part(self, part: bytes) -> bytes:
        """Return the text of a line, or its end."""
        if not part.endswith(b"\n"):
            self._shortened |= _ELLIPSIS in part
            return part
        reset, self._shortened = RESET if self._shortened else b"", False
        return reset + part


def mended(data: bytes) -> bytes:
    """Return the whole of a log, mended."""
    mender = Mender()
    return mender.feed(data) + mender.feed(b"\n").removesuffix(b"\n")
