"""What was compressed before: where each unit lies in the last root of an image, so that it is copied from there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sbkernel.files import write_whole
from sbkernel.images.pack.squashfs.tables import RAW


class Place(NamedTuple):
    """Where a unit lies in a root: its blocks in a row, the sum of all, and their sizes as an inode says them."""

    start: int
    sha256: str
    sizes: Sequence[int]


@dataclass(frozen=True)
class LastRoot:
    """A root that was packed before, and where in it each unit lies; no units if nothing is known of it."""

    descriptor: int
    places: Mapping[str, Place]

    def take(self, unit: str) -> tuple[bytes, Place] | None:
        """Return the bytes of a unit, compressed as they are; None if they are not what they were."""
        place = self.places[unit]
        length = sum(size & (RAW - 1) for size in place.sizes)
        held = os.pread(self.descriptor, length, place.start)
        return (held, place) if hashlib.sha256(held).hexdigest() == place.sha256 else None


def read(file: Path, way: str) -> dict[str, Place]:
    """Return where units lie, as a file says; none if it is damaged, or about a root packed in another way."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        data: dict[str, Any] = json.loads(file.read_text())
        if data["way"] == way:
            return {unit: Place(start, sha256, sizes) for unit, (start, sha256, *sizes) in data["units"].items()}
    return {}


def write(file: Path, way: str, places: Mapping[str, Place]) -> None:
    """Keep where units lie."""
    units = {unit: [place.start, place.sha256, *place.sizes] for unit, place in places.items()}
    write_whole(file, json.dumps({"way": way, "units": units}))
