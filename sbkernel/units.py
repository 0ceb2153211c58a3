"""Say sizes and durations as people do."""

from __future__ import annotations


def size(count: float) -> str:
    """Return bytes with a decimal unit, e.g. `111.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def seconds(duration_s: float | None) -> str:
    """Return a duration, e.g. `2.9 s`, `1 min 12 s`, `1 h 4 min`; nothing for None."""
    if duration_s is None:
        return ""
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
