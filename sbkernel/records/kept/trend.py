"""How an image changed from run to run: its size, and how long building and booting it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbkernel.packages.diff.tables import aligned
from sbkernel.records.kept.facts import Kept
from sbkernel.units import seconds, size

if TYPE_CHECKING:
    import pandas as pd

_HEAD = ("STARTED", "RUN", "PACKED", "BUILD", "BOOT")


@dataclass(frozen=True)
class Point:
    """What one record says of the image: bytes of the packed root, seconds; None where it says nothing."""

    record: Kept
    packed_bytes: int | None
    build_s: float | None
    boot_s: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; when in seconds since the epoch."""
        one = self.record
        said = {"packed_bytes": self.packed_bytes, "build_s": self.build_s, "boot_s": self.boot_s}
        return {"run": one.run, "record": one.name, "when": one.when, "status": one.status, **said}


@dataclass(frozen=True)
class Trend:
    """The runs that were about an image and say something of it, the oldest first."""

    image: str
    points: tuple[Point, ...]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a run: when, packed (bytes), build and boot (seconds), run."""
        import pandas as pd

        rows = [
            (pd.Timestamp(p.record.when, unit="s", tz="UTC"), p.packed_bytes, p.build_s, p.boot_s, p.record.run)
            for p in self.points
        ]
        return pd.DataFrame(rows, columns=["when", "packed", "build", "boot", "run"])

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"image": self.image, "runs": [point.as_dict() for point in self.points]}

    def __str__(self) -> str:
        rows = [
            (
                p.record.started, p.record.run[:8], size(p.packed_bytes) if p.packed_bytes else "-",
                seconds(p.build_s) or "-", seconds(p.boot_s) or "-",
            )
            for p in self.points
        ]  # fmt: skip
        return aligned([_HEAD, *rows], right=[2, 3, 4]) if rows else f"no record says anything of {self.image} yet"


def trend(records: Iterable[Kept], image: str, last: int = 24) -> Trend:
    """Return what the newest records, at most `last`, say of an image. The time of a build is that of all its jobs."""
    found = (_point(one, image) for one in records if one.image == image or image in one.digests)
    said = [point for point in found if point.packed_bytes or point.build_s or point.boot_s]
    return Trend(image, tuple(reversed(said[:last])))


def _point(one: Kept, image: str) -> Point:
    builds = [timing["seconds"] for timing in one.timings.values() if timing["image"] == image]
    packed = one.sizes.get(image, {}).get("packed")
    return Point(one, packed, sum(builds) or None, max(one.boots.values(), default=None))
