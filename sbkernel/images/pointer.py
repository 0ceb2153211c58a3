"""What a name in the catalog points to, and how it came to: a value, changed by making a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PUBLISH, ROLLBACK = "publish", "rollback"


@dataclass(frozen=True)
class Source:
    """What a version was packed from, as digests: all that was asked for, and what lay in the tree; "": not known."""

    inputs: str = ""
    tree: str = ""


NO_SOURCE = Source()


@dataclass(frozen=True)
class Publication:
    """One move of the pointer: to which digest, when (seconds since the epoch), by whom, how, packed from what."""

    digest: str
    t: float
    by: str
    host: str
    action: str
    inputs: str = ""
    tree: str = ""


@dataclass(frozen=True)
class Pointer:
    """The moves of one image's pointer, oldest first; the last one says where it points."""

    image: str
    history: tuple[Publication, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pointer:
        """Return the pointer that a pointer file holds."""
        return cls(data["image"], tuple(Publication(**entry) for entry in data["history"]))

    def as_json(self) -> dict[str, Any]:
        """Return what the pointer file holds; `digest` first, for readers that want nothing else."""
        return {"image": self.image, "digest": self.digest, "history": [asdict(entry) for entry in self.history]}

    @property
    def digest(self) -> str:
        """Return the digest the name points to, or "" if it was never published."""
        return self.history[-1].digest if self.history else ""

    @property
    def previous(self) -> str:
        """Return the digest that a rollback goes to, or "" if there is none; rolling back twice goes back two."""
        stack: list[str] = []
        for entry in self.history:
            if entry.action == ROLLBACK and entry.digest in stack:
                del stack[stack.index(entry.digest) + 1 :]
            elif entry.digest not in stack[-1:]:
                stack.append(entry.digest)
        return stack[-2] if len(stack) > 1 else ""

    def at(self, t: float) -> str:
        """Return the digest the name pointed to before a time, in seconds since the epoch; "" if to none yet."""
        return next((entry.digest for entry in reversed(self.history) if entry.t < t), "")

    def moved(self, entry: Publication) -> Pointer:
        """Return the pointer after one more move."""
        return Pointer(self.image, (*self.history, entry))

    def knows(self, inputs: str) -> bool:
        """Tell whether anything was packed from these inputs, from whatever tree."""
        return any(entry.inputs == inputs for entry in self.history)

    def packed_from(self, source: Source) -> str:
        """Return the newest digest that was packed from a source, or ""."""
        found = (entry.digest for entry in reversed(self.history) if Source(entry.inputs, entry.tree) == source)
        return next(found, "") if source.tree else ""
