"""What a test boot has found: checks, and what the boot took; made of what the node reported. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from sbkernel.images.catalog.reference import short
from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.timeline import timeline
from sbkernel.packages.diff.tables import aligned

UP = ("userspace", "login")
"""The stages of a node that is up: it says so itself, and asks for a login on its console."""
_SETTLED = ("running", "degraded", "none")
"""How systemd calls a system that has started; none: there is no systemd."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: whether it is as it should be, what was found, the last lines of its output."""

    name: str
    ok: bool
    said: str
    output: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the check that was kept."""
        return cls(str(data["name"]), bool(data["ok"]), str(data["said"]), tuple(map(str, data.get("output", ()))))


@dataclass(frozen=True)
class Measured:
    """What a boot took: seconds from power-on until it was up, bytes fetched, bytes of memory in use then.

    None is what nobody reported. Only boots at the same place, `where`, can be compared: the same host, emulated or
    not, with as much memory.
    """

    time: float | None = None
    bytes: float | None = None
    memory: float | None = None
    where: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def of_boot(events: Sequence[BootEvent], digest: str) -> list[Check]:
    """Return whether the boot came to its end, and whether it was of the version that was meant."""
    stages = [event["stage"] for event in events]
    failed = [str(event.get("reason") or "the node gave no reason") for event in events if event["stage"] == "failed"]
    missing = [stage for stage in UP if stage not in stages]
    if failed:
        boot = Check("boot", False, f"it failed: {failed[-1]}")
    elif missing:
        last = stages[-1] if stages else "nothing was heard of it"
        boot = Check("boot", False, f"no {' and no '.join(missing)} in time; last: {last}")
    else:
        boot = Check("boot", True, "it reports that it is up, and asks for a login")
    reported = [str(event["image"]) for event in events if event.get("image")]
    said = f"it reports {short(reported[-1])}" if reported else "it reported none"
    same = bool(reported) and reported[-1] == digest
    return [boot, Check("version", same, said if same else f"{said}, and {short(digest)} was to boot")]


def of_units(answers: Iterable[str]) -> list[Check]:
    """Return whether systemd has started all, from the lines of templates/remote/settled.sh."""
    words = [line.partition(" ") for line in answers]
    state = next((rest for name, _, rest in words if name == "state"), "")
    failed = [rest for name, _, rest in words if name == "failed"]
    started = Check("started", state in _SETTLED, "no systemd is there" if state == "none" else f"systemd: {state}")
    if not failed:
        return [started, Check("units", True, "none has failed")]
    return [started, Check("units", False, f"failed: {' '.join(failed)}")]


def measured(events: Sequence[BootEvent], loaded_bytes: int, where: str) -> Measured:
    """Return what a boot took; `loaded_bytes` are kernel and initrd, which nobody reports."""
    times = [row.seconds for row in timeline(events) if row.stage in UP]
    fetched = [int(event["bytes"]) for event in events if isinstance(event.get("bytes"), int)]
    used = [int(event["memory_used"]) for event in events if isinstance(event.get("memory_used"), int)]
    return Measured(
        max(times) if len(times) == len(UP) else None,
        max(fetched) + loaded_bytes if fetched else None,
        used[-1] if used else None,
        where,
    )


def table(checks: Sequence[Check]) -> str:
    """Return a line for each check, and below one that failed the end of its output."""
    lines = aligned([(one.name, "ok" if one.ok else "FAILED", one.said) for one in checks]).splitlines()
    shown = []
    for line, one in zip(lines, checks, strict=True):
        shown += [line, *(() if one.ok else (f"    {text}" for text in one.output))]
    return "\n".join(shown)
