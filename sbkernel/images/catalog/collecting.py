"""What may be collected: the rule for everything that grows, and which versions of images nobody needs. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sbkernel.images.catalog.pointers import Pointers
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import ImageVersion, together
from sbkernel.units import age, size

BOOTING_S = 3600.0
"""How long a node may fetch what a boot script named that nodeset has replaced since."""


@dataclass(frozen=True)
class Rule:
    """What stays although nothing refers to it: the `keep` newest of a kind, and all used in the last seconds."""

    keep: int
    older_than_s: float

    def why(self, place: int, last_used: float, now: float) -> tuple[str, ...]:
        """Return why something stays that `place` others are newer than; nothing if it may go."""
        if place < self.keep:
            return (f"one of the {self.keep} newest",)
        young = now - last_used < self.older_than_s
        return (f"needed within the last {age(self.older_than_s)}",) if young else ()


@dataclass(frozen=True)
class Item:
    """One thing that takes room: its bytes, when it was last needed (epoch), and why it stays; nothing if it goes."""

    kind: str
    name: str
    size_bytes: int
    last_used: float
    why: tuple[str, ...] = ()

    @property
    def goes(self) -> bool:
        """Tell whether nothing keeps it."""
        return not self.why


@dataclass(frozen=True)
class Needs:
    """Who needs versions.

    `pointers` are by image name; by digest, `referred` holds words that say who else refers to it, and `handed_out`
    when nodeset named it last (epoch).
    """

    pointers: Mapping[str, Pointers]
    referred: Mapping[str, Sequence[str]]
    handed_out: Mapping[str, float]


def within(items: Sequence[Item], limit: int | None, age_s: float | None, now: float) -> list[Item]:
    """Return the items, in their order, with a reason for those that a budget and an age leave; the others go.

    What has a reason already stays and counts for the `limit`, in bytes. Of the rest goes what was not used for `age_s`
    seconds, and then what was used longest ago until all fits. None: there is no such limit.
    """
    room = limit - sum(item.size_bytes for item in items if not item.goes) if limit is not None else math.inf
    stays: dict[int, Item] = {}
    for number, item in sorted(enumerate(items), key=lambda pair: pair[1].last_used, reverse=True):
        if item.goes and (age_s is None or now - item.last_used < age_s):
            room -= item.size_bytes
            if room >= 0:
                stays[number] = replace(item, why=(_left(limit, age_s),))
    return [stays.get(number, item) for number, item in enumerate(items)]


def _left(limit: int | None, age_s: float | None) -> str:
    return f"within {size(limit)}" if limit is not None else f"needed within the last {age(age_s or 0.0)}"


def decide(versions: Sequence[ImageVersion], needs: Needs, rule: Rule, now: float) -> dict[str, Item]:
    """Return by digest what stays and why, and what may go; `versions` stand with the one packed last first."""
    places: Counter[str] = Counter()
    found: dict[str, Item] = {}
    for version in versions:
        found[version.digest] = _item(version, needs, rule, places[version.image], now)
        places[version.image] += 1
    stays = [version for version in versions if not found[version.digest].goes]
    for version in (one for one in versions if found[one.digest].goes):
        before = together(stays)
        stays.append(version)
        found[version.digest] = replace(found[version.digest], size_bytes=together(stays) - before)
    return found


def _item(version: ImageVersion, needs: Needs, rule: Rule, place: int, now: float) -> Item:
    pointers, digest = needs.pointers[version.image], version.digest
    handed_out = needs.handed_out.get(digest, 0.0)
    last_used = max(pointers.until(digest), handed_out, version.created)
    why = [*pointers.of(digest), *needs.referred.get(digest, ())]
    if not why and now - handed_out < BOOTING_S:
        why = [f"nodeset named it {age(now - handed_out)} ago: a node may be fetching it"]
    name = str(Reference(version.image, short(digest)))
    return Item("version", name, version.size_bytes, last_used, tuple(why) or rule.why(place, last_used, now))
