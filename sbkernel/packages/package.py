"""A package as it is installed in an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Package:
    """A package as it is installed in an image; `size` is what it takes on disk, in bytes."""

    name: str
    version: str
    arch: str
    size: int
    source: str
    source_version: str
    section: str
    priority: str

    def as_dict(self) -> dict[str, Any]:
        """Return the package as one entry of a manifest."""
        return asdict(self)
