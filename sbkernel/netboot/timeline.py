"""The timeline of a boot: when each stage was reached, in seconds from power-on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sbkernel import units
from sbkernel.netboot.bootlog import STAGES, BootEvent

if TYPE_CHECKING:
    import pandas as pd

_NOT_DETAIL = {"t", "node", "stage", "number", "uptime", "at", "source", "image"}


@dataclass(frozen=True)
class StageRow:
    """One stage of a boot.

    `time` is in seconds since the epoch, `seconds` since power-on (or since the first event, if power-on was not
    seen), `delta` since the previous stage. `detail` is what the node or the service reported about it.
    """

    stage: str
    time: float
    seconds: float
    delta: float
    detail: str


def timeline(events: Sequence[BootEvent]) -> list[StageRow]:
    """Return the stages of one boot in the order in which they were reached, each once.

    If a stage was seen several times, such as a kernel that was fetched again, the first time counts; for `failed` the
    last. Reports of a node are placed by its own clock: they say its uptime and, as `at`, the time of the stage.
    """
    started = kernel_start(events)
    found = _once([(_when(event, started), event) for event in events])
    if started is not None and any(event["stage"] == "kernel" for _, event in found):
        found = [(max(started, when) if event["stage"] == "kernel" else when, event) for when, event in found]
    found.sort(key=lambda pair: (pair[0], _rank(pair[1])))
    zero = found[0][0] if found else 0.0
    before = [zero, *(when for when, _ in found)]
    return [
        StageRow(event["stage"], when, when - zero, when - earlier, _detail(event))
        for (when, event), earlier in zip(found, before, strict=False)
    ]


def kernel_start(events: Iterable[BootEvent]) -> float | None:
    """Return when the kernel of the node started: the earliest time that fits its reports, which all arrive late."""
    starts = [event["t"] - uptime for event in events if (uptime := _number(event, "uptime")) is not None]
    return min(starts, default=None)


def stages_frame(events: Sequence[BootEvent]) -> pd.DataFrame:
    """Return the timeline as a DataFrame with the fields of StageRow as columns."""
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in timeline(events)], columns=list(StageRow.__annotations__))


def _when(event: BootEvent, started: float | None) -> float:
    moment = _number(event, "at")
    if moment is None:
        moment = _number(event, "uptime")
    if started is None or moment is None:
        return float(event["t"])
    return min(float(event["t"]), started + moment)


def _once(pairs: Iterable[tuple[float, BootEvent]]) -> list[tuple[float, BootEvent]]:
    kept: dict[tuple[str, str], tuple[float, BootEvent]] = {}
    for when, event in pairs:
        # Each script of a node has a row of its own; one may run twice, with other words, or be reported twice.
        what = (event["stage"], str(event.get("number", "")))
        if what not in kept or event["stage"] == "failed":
            kept[what] = (when, event)
    return list(kept.values())


def _rank(event: BootEvent) -> int:
    return STAGES.index(event["stage"]) if event["stage"] in STAGES else len(STAGES)


def _detail(event: BootEvent) -> str:
    return ", ".join(f"{key} {_shown(key, value)}" for key, value in event.items() if key not in _NOT_DETAIL)


def _shown(key: str, value: Any) -> str:
    text = str(value)
    if key == "memory_used" and isinstance(value, int):
        return units.size(value)
    return f"{text[:12]}…" if key in ("sha256", "verity") and len(text) > 12 else text


def _number(event: Mapping[str, Any], key: str) -> float | None:
    try:
        return float(event[key])
    except (KeyError, TypeError, ValueError):
        return None
