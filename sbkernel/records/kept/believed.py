"""What is believed of what a record says came out of it: only what has the form that our displays give it.

A record can be anybody's, and one that is odd must not keep the others from being listed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def believed(collected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what provenance.collected() has found, without what is not as it should be."""
    timings = {job: timing for job, one in _items(collected["timings"]) if (timing := _timing(one))}
    return {
        "jobs": tuple(job for job in collected["jobs"] if isinstance(job, str)),
        "digests": {name: digest for name, digest in _items(collected["digests"]) if isinstance(digest, str)},
        "timings": timings,
        "sizes": {name: _sizes(one) for name, one in _items(collected["sizes"]) if isinstance(one, Mapping)},
        "boots": {node: value for node, took in _items(collected["boots"]) if (value := number(took)) is not None},
    }


def number(value: Any) -> float | None:
    """Return a number that is one, and finite; None for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if plain else None


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(key, one) for key, one in value.items() if isinstance(key, str)] if isinstance(value, Mapping) else []


def _timing(one: Any) -> dict[str, Any] | None:
    if not isinstance(one, Mapping) or number(one.get("seconds")) is None:
        return None
    phases = one.get("phases")
    pairs = [pair for pair in phases if isinstance(pair, list) and len(pair) == 2] if isinstance(phases, list) else []
    kept = [[str(title), took] for title, took in pairs if number(took) is not None]
    names = {name: str(one.get(name, "")) for name in ("verb", "image")}
    return {**names, "seconds": one["seconds"], "phases": kept}


def _sizes(one: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: value for name in ("packed", "packages") if (value := number(one.get(name))) is not None}
    return {**counts, "kernel": str(one.get("kernel", ""))}
