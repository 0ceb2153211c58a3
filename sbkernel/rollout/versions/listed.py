"""What is listed of packed images and their versions: values, their text and their frames. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.images.catalog.pointers import Pointers
from sbkernel.images.catalog.reference import short
from sbkernel.images.catalog.version import ImageVersion, together
from sbkernel.packages.diff.tables import aligned
from sbkernel.rollout.testboot.verdicts import Verdict
from sbkernel.units import size

if TYPE_CHECKING:
    import pandas as pd

_HEAD = ("IMAGE", "CURRENT", "CANDIDATE", "PUBLISHED (UTC)", "BY", "SIZE", "VERSIONS", "BOOT IT")
_VERSION_HEAD = (
    "VERSION", "PUBLISHED (UTC)", "BY", "SIGNED WITH", "SIZE", "ROOT", "PACKAGES", "TESTED", "ACTION", "POINTERS",
    "BOOT IT", "REPORTED IT",
)  # fmt: skip
_COLUMNS = ("image", "current", "candidate", "held", "published", "by", "size", "versions", "boots")
_VERSION_COLUMNS = (
    "digest", "published", "by", "signed", "size", "roots", "packages", "action", "pointers", "boots", "pinned",
    "reported", "tested",
)  # fmt: skip


@dataclass(frozen=True)
class ListedVersion:
    """A version: when it was packed last and by whom, what happened to it last, and who has to do with it.

    `signed` names the key that signed it (catalog/signatures.py), `verdict` is that of its last test boot.
    """

    version: ImageVersion
    published: float  # seconds since the epoch
    by: str
    action: str
    pointers: tuple[str, ...]
    boots: tuple[str, ...]
    pinned: tuple[str, ...]
    reported: tuple[str, ...]
    signed: str = ""
    verdict: Verdict | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; `published` in seconds since the epoch, `size` in bytes."""
        return {
            "digest": self.version.digest, "published": self.published, "by": self.by, "signed": self.signed,
            "size": self.version.size_bytes, "roots": [root.size for root in self.version.roots],
            "packages": self.version.packages, "action": self.action, "pointers": list(self.pointers),
            "boots": list(self.boots), "pinned": list(self.pinned), "reported": list(self.reported),
            "tested": self.verdict.as_dict() if self.verdict else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Versions:
    """The versions of one image, the one packed last first."""

    pointers: Pointers
    rows: tuple[ListedVersion, ...]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a version."""
        return _frame(self.rows, _VERSION_COLUMNS)

    def __str__(self) -> str:
        rows = [
            (
                short(row.version.digest), _when(row.published), row.by, row.signed, size(row.version.size_bytes),
                stack(row.version), str(row.version.packages),
                row.verdict.mark if row.verdict else "", row.action, " ".join(row.pointers), _boots(row),
                fold(row.reported),
            )
            for row in self.rows
        ]  # fmt: skip
        return "\n".join([aligned([_VERSION_HEAD, *rows], right=[4, 6]), *_held(self.pointers)])


@dataclass(frozen=True)
class ListedImage:
    """An image name: its pointers, and its versions."""

    pointers: Pointers
    versions: tuple[ListedVersion, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; `published` is when it was packed last (epoch), `size` bytes of all versions."""
        return {
            "image": self.pointers.image, "current": self.pointers.current, "candidate": self.pointers.candidate,
            "held": self.pointers.hold is not None, "published": self._newest.published, "by": self._newest.by,
            "size": together(row.version for row in self.versions), "versions": len(self.versions),
            "boots": self.boots,
        }  # fmt: skip

    @property
    def boots(self) -> list[str]:
        """Return the nodes that boot any of its versions."""
        return sorted({node for row in self.versions for node in row.boots})

    @property
    def _newest(self) -> ListedVersion:
        return self.versions[0]

    def cells(self) -> tuple[str, ...]:
        """Return its line of the table."""
        current, candidate = short(self.pointers.current) or "-", short(self.pointers.candidate) or "-"
        return (
            self.pointers.image, f"{current} (held)" if self.pointers.hold else current, candidate,
            _when(self._newest.published), self._newest.by, size(self.as_dict()["size"]), str(len(self.versions)),
            fold(self.boots),
        )  # fmt: skip


@dataclass(frozen=True)
class Images:
    """The images that were ever packed, by name."""

    rows: tuple[ListedImage, ...]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row an image."""
        return _frame(self.rows, _COLUMNS)

    def __str__(self) -> str:
        if not self.rows:
            return "No image was packed yet: sb genimage IMAGE, then sb packimage IMAGE"
        return aligned([_HEAD, *(row.cells() for row in self.rows)], right=[5, 6])


def stack(version: ImageVersion) -> str:
    """Return the sizes of the roots of a version as text, what was packed first: 1.2 MB over 151.0 MB."""
    return " over ".join(size(root.size) for root in reversed(version.roots))


def _boots(row: ListedVersion) -> str:
    said = fold(row.boots)
    return f"{said} (pinned: {fold(row.pinned)})".strip() if row.pinned else said


def _held(pointers: Pointers) -> list[str]:
    hold = pointers.hold
    if hold is None:
        return []
    who = f"{hold.by}@{hold.host} went back to it on {_when(hold.t)}"
    return [f"current is held: {who}; sb promote {pointers.image} makes the candidate current"]


def _when(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M")


def _frame(rows: Sequence[ListedVersion | ListedImage], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame([row.as_dict() for row in rows], columns=list(columns))
    frame["published"] = pd.to_datetime(frame["published"], unit="s", utc=True)
    return frame
