"""The boot log of a node, <site>/log/boot/<node>.jsonl: one line of JSON for each stage that it reached."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from sbkernel.files import writing
from sbkernel.netboot.names import node_file_name
from sbkernel.site import Site

BootEvent = dict[str, Any]
_LIMIT = 2 * 1024 * 1024
_KEPT = _LIMIT // 2
_IMAGES = 20

STAGES = (
    "power-on", "dhcp", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "postscripts",
    "syncfiles", "postscript", "booted", "login", "failed",
)  # fmt: skip


def path(site: Site, node: str) -> Path:
    """Return the path of a node's boot log. Raises DefinitionError for a name that no node can have."""
    return site.log / "boot" / f"{node_file_name(node)}.jsonl"


def append(site: Site, node: str, stage: str, t: float | None = None, **data: Any) -> None:
    """Add one event: `stage` at `t` (seconds since the epoch; None means now), with further `data`.

    Each line is one write, so that lines of several writers do not mix. A log that has grown too long loses its oldest
    lines: a node may start anew every minute, for months.
    """
    file = path(site, node)
    file.parent.mkdir(parents=True, exist_ok=True)
    event = {"t": time.time() if t is None else t, "node": node, "stage": stage, **data}
    with file.open("ab", buffering=0) as log:
        log.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
        too_long = log.tell() > _LIMIT
    if too_long:
        _shorten(file)


def read(site: Site, node: str, since_power_on: bool = True) -> list[BootEvent]:
    """Return the events of a node, oldest first: those of the last boot, or all. [] if it has never booted."""
    try:
        lines = path(site, node).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    events = [event for event in map(_parse, lines) if event is not None]
    return last_boot(events) if since_power_on else events


def read_end(site: Site, node: str, limit: int, most: int = 0) -> list[BootEvent]:
    """Return the events in the last `limit` bytes of a node's boot log, oldest first; the last `most`, 0 for all."""
    try:
        with path(site, node).open("rb", buffering=0) as log:
            start = log.seek(max(0, os.fstat(log.fileno()).st_size - limit))
            lines = log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [event for event in map(_parse, lines[bool(start) :][-most:]) if event is not None]


def last_boot(events: list[BootEvent]) -> list[BootEvent]:
    """Return the events since the last power-on; all events if there is none."""
    starts = [number for number, event in enumerate(events) if event["stage"] == "power-on"]
    return events[starts[-1] :] if starts else events


def _shorten(file: Path) -> None:
    """Keep the newest lines, the last power-on, and the last words about images: they tell what the node runs."""
    lines = file.read_bytes().splitlines(keepends=True)
    end = len(lines)
    kept_bytes = 0
    while end and kept_bytes + len(lines[end - 1]) <= _KEPT:
        end -= 1
        kept_bytes += len(lines[end])
    older = lines[:end]
    start = max((number for number, line in enumerate(older) if b'"stage":"power-on"' in line), default=0)
    begins = [line for line in older[start : start + 1] if b'"stage":"power-on"' in line]
    images = [line for line in older[start:] if b'"image":"' in line][-_IMAGES:]
    with writing(file) as new:
        new.writelines([*begins, *images, *lines[end:]])


def _parse(line: str) -> BootEvent | None:
    """Read one line. Return None for an incomplete one, which a full disk or a power cut leaves."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "stage" in event and isinstance(event.get("t"), (int, float)) else None
