"""Which layers are near to the wanted packages: from which the least work leads there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sbkernel.images.families.change import change_from, cost, cost_of_all
from sbkernel.images.families.resolved import Change, Resolution
from sbkernel.images.plan import SHOWN_DIGITS

WORTH = 0.6
"""The part of a clean build beyond which a change does not pay: its packages come in one by one, and the old tree is
read."""
_FACTS = {"shared", "contents", "asked", "epoch", "seal"}


@dataclass(frozen=True)
class Start:
    """A layer to start from, and what leads from it to the wanted packages."""

    layer: str
    change: Change

    def __str__(self) -> str:
        """Return both in one line."""
        return f"from layer {self.layer[:SHOWN_DIGITS]}: {self.change}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return what a layer that was made so records."""
        return {"layer": self.layer, "coming": [str(one) for one in self.change.coming],
                "leaving": list(self.change.leaving)}  # fmt: skip


def starts(
    layers: Iterable[tuple[str, Mapping[str, Any]]], wanted: Resolution, asked: Sequence[str], shared: str
) -> list[Start]:
    """Return the layers that are worth starting from, the nearest first; `layers` are digests with their facts."""
    like = ((digest, facts) for digest, facts in layers if facts.keys() >= _FACTS and facts["shared"] == shared)
    changes = ((digest, change_from(facts, wanted, asked)) for digest, facts in like)
    found = [Start(digest, change) for digest, change in changes if change is not None]
    worth = [one for one in found if cost(one.change) <= WORTH * cost_of_all(wanted)]
    return sorted(worth, key=lambda one: (cost(one.change), one.layer))
