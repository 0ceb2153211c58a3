"""How many nodes of a wave may fail: a count, or a share of those that were tried. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.errors import DefinitionError
from sbkernel.units import read_share

USUAL = "5%"


@dataclass(frozen=True)
class Budget:
    """So many nodes of each wave may fail, or such a share."""

    text: str
    count: int | None = None
    share: float = 0.0

    def exceeded(self, failed: int, tried: int) -> bool:
        """Tell whether that many are too many; nodes that nobody tried, as somebody holds them, do not count."""
        return failed > (self.share * tried if self.count is None else self.count)

    def __str__(self) -> str:
        return self.text


def read_budget(text: str) -> Budget:
    """Return the budget that a text such as 5%, 0 or 3 says. Raises DefinitionError."""
    word = text.strip()
    if word.isascii() and word.isdigit() and len(word) < 10:
        return Budget(word, int(word))
    if word.endswith("%"):
        return Budget(word, None, read_share(word))
    raise DefinitionError(f"{text!r} is no failure budget", hint="so many nodes of each wave, or a share: 3, 5%")
