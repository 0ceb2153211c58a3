"""What the console of a booting node tells: a login prompt, or the words with which a boot ends badly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sbkernel.service.console.plaintext import PlainText

_LINE_LIMIT = 4096
_LINE_END = re.compile(rb"[\r\n]")
# getty's prompt; it counts as soon as the colon is there, as kernel messages may land behind it
_PROMPT = re.compile(rb"(?!Last )[A-Za-z0-9][\w.-]{0,63} login:")
# A node without a network can tell only its console why its initrd gives up ("  reason  ").
_BAD_END = re.compile(
    rb"Kernel panic - not syncing.*|You are in emergency mode.*|Entering emergency mode.*|No bootable device.*"
    rb"|\A  reason    (?P<reason>.+)"
)


@dataclass(frozen=True)
class Sighting:
    """Something seen on a console: the stage it stands for (`login`, `failed`) and the words."""

    stage: str
    text: str


class ConsoleWatch:
    """Find sightings in a stream of console bytes, whatever pieces it arrives in."""

    def __init__(self) -> None:
        self._plain = PlainText()
        self._line = b""
        self._prompt_seen = False

    def feed(self, data: bytes) -> list[Sighting]:
        """Return what these bytes complete: a prompt at its colon, a bad end at its line end."""
        *ended, rest = _LINE_END.split(self._plain.feed(data))
        found: list[Sighting] = []
        for piece in ended:
            found += self._grow(piece)
            found += _bad_end(self._line)
            self._line, self._prompt_seen = b"", False
        return found + self._grow(rest)

    def _grow(self, piece: bytes) -> list[Sighting]:
        self._line = (self._line + piece)[:_LINE_LIMIT]
        prompt = None if self._prompt_seen else _PROMPT.match(self._line)
        if not prompt:
            return []
        self._prompt_seen = True
        return [Sighting("login", prompt.group().decode())]


def _bad_end(line: bytes) -> list[Sighting]:
    match = _BAD_END.search(line)
    return [Sighting("failed", (match["reason"] or match.group()).decode(errors="replace").strip())] if match else []
