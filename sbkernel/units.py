"""Say sizes and durations as people do, and read durations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sbkernel.errors import DefinitionError

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([kKmMgGtT]?)B?", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%", re.ASCII)
_DURATION = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(sorted(_SECONDS, key=len, reverse=True))})", re.ASCII)


def read_size(text: str) -> int:
    """Return the bytes that a text such as 20G, 1.5 TB or 4096 says, units being decimal; DefinitionError if none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise DefinitionError(f"{text!r} is no size", hint="a number of bytes, or one with k, M, G or T behind it: 20G")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2].lower() or " "))


def read_share(text: str) -> float:
    """Return the share from 0 to 1 that a text such as 5% or 0.5% says; DefinitionError if none."""
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / 100 if match else 2.0
    if share > 1:
        raise DefinitionError(f"{text!r} is no share", hint="a percentage, such as 5% or 0.5%")
    return share


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """Return the first of many lines, and how many more there are."""
    return [*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else [])]


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


def age(duration_s: float) -> str:
    """Return a duration as one number, e.g. `41 days`, `3 hours`, `5 min`, `20 s`."""
    for size_s, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if duration_s >= 2 * size_s:
            return f"{duration_s / size_s:.0f} {unit}"
    return f"{max(0.0, duration_s):.0f} s"


def read_duration(text: str) -> float:
    """Return the seconds that a text such as 30d, 12h or 1.5w says; DefinitionError if it says none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise DefinitionError(f"{text!r} is no duration", hint="a number with s, min, h, d or w behind it: 30d")
    return float(match[1]) * _SECONDS[match[2]]


def plain(text: str) -> str:
    """Return a text from elsewhere for a terminal, which obeys control characters; they and odd bytes become ?."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
