"""How long nodes usually stay at each stage of a boot, and from when on that is too long. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sbkernel.netboot.bootlog import STAGES, BootEvent
from sbkernel.netboot.timeline import timeline

UP = frozenset({"userspace", "login", "booted"})
SCRIPTS = ("ipxe", "grub")
"""The stages that a boot script is."""
_RANKS = {stage: rank for rank, stage in enumerate(STAGES)} | {stage: STAGES.index("ipxe") for stage in SCRIPTS}
_LOADED = _RANKS["kernel"]
_RUNNING = _RANKS["initrd"]
_ENOUGH = 5

# Seconds after which a node has stayed too long at a stage, if nothing is known of earlier boots. Servers with much
# memory need minutes before they ask for an address.
LIMITS_S: Mapping[str, float] = {
    "power-on": 600, "dhcp": 90, "ipxe": 60, "grub": 60, "kernel": 180, "initrd": 300, "fetched": 180, "verified": 120,
    "mounted": 300, "userspace": 120, "login": 180,
    "postscripts": 900, "postscript": 900, "syncfiles": 900,
}  # fmt: skip
_OTHER_S = 300.0


@dataclass(frozen=True)
class Usual:
    """How long `boots` boots have stayed at a stage, in seconds: half of them at most `median_s`, 95 % `p95_s`."""

    median_s: float
    p95_s: float
    boots: int


@dataclass(frozen=True)
class Limits:
    """After `slow_s` seconds at a stage a boot is slower than usual, after `stuck_s` it does not go on."""

    slow_s: float
    stuck_s: float


def attempts(events: Iterable[BootEvent]) -> list[list[BootEvent]]:
    """Return the events of each boot, the last one at the end. A node may also start anew by itself."""
    found: list[list[BootEvent]] = []
    seen: set[str] = set()
    highest = 0
    for event in events:
        stage = event["stage"]
        rank = _RANKS.get(stage, len(STAGES))
        if not found or _begins(stage, rank, seen, highest):
            found.append([])
            seen, highest = set(), 0
        found[-1].append(event)
        seen.add(stage)
        highest = max(highest, rank)
    return found


def usual(boots: Iterable[Sequence[BootEvent]], digests: Collection[str] = ()) -> dict[str, Usual]:
    """Return for each stage how long boots stayed there that came up, if there are `digests` with one of these."""
    stays: dict[str, list[float]] = defaultdict(list)
    for events in boots:
        if _came_up(events) and _is_of(events, digests):
            rows = timeline(events)
            for row, later in pairwise(rows):
                stays[row.stage].append(later.delta)
    return {stage: _measured(sorted(times)) for stage, times in stays.items()}


def limits(stage: str, known: Usual | None) -> Limits:
    """Return when a boot is slow at a stage and when it is stuck there. A few boots alone do not tell enough."""
    stuck_s = LIMITS_S.get(stage, _OTHER_S)
    if known is None:
        return Limits(stuck_s, stuck_s)
    measured_s = max(3 * known.p95_s, known.p95_s + 60)
    slow_s = max(1.5 * known.p95_s, known.p95_s + 10)
    return Limits(slow_s, max(stuck_s, measured_s) if known.boots < _ENOUGH else measured_s)


def _begins(stage: str, rank: int, seen: Collection[str], highest: int) -> bool:
    """Tell whether a stage is the first of another boot than the one that has seen these and come that far."""
    if stage in SCRIPTS:
        return highest >= _LOADED or stage in seen
    return stage == "power-on" or (stage in ("dhcp", "kernel", "initrd") and highest >= max(_RUNNING, rank + 1))


def _came_up(events: Sequence[BootEvent]) -> bool:
    stages = {event["stage"] for event in events}
    return bool(stages & UP) and "failed" not in stages


def _is_of(events: Sequence[BootEvent], digests: Collection[str]) -> bool:
    reported = {event["image"] for event in events if event.get("image")}
    return not digests or not reported or bool(reported & set(digests))


def _measured(times: Sequence[float]) -> Usual:
    middle = len(times) // 2
    median_s = times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2
    return Usual(median_s, times[min(len(times) - 1, int(0.95 * len(times)))], len(times))
