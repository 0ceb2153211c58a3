"""What an image name points to in the catalog, and how it came to: values, changed by making new ones.

A name has two pointers: `candidate`, the version packed last, and `current`, the one that nodes boot. Packing moves
both, unless a gate or a rollback keeps `current` where it is; then only a promotion moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

PUBLISH, PROMOTE, ROLLBACK = "publish", "promote", "rollback"
CURRENT, CANDIDATE, PREVIOUS = "current", "candidate", "previous"
_IF_ANY = ("job", "record", "reason")
# What moved what before moves said so themselves.
_MOVED = {PUBLISH: (CANDIDATE, CURRENT), ROLLBACK: (CURRENT,)}


@dataclass(frozen=True)
class Source:
    """What a version was packed from, as digests: all that was asked for, and what lay in the tree; "": not known."""

    inputs: str = ""
    tree: str = ""


NO_SOURCE = Source()


@dataclass(frozen=True)
class Move:
    """One thing that happened to a name: to which digest, when (seconds since the epoch), by whom, what.

    `pointers` are those that it moved; packing what is the candidate already moves none. `job` and `record` say in
    which job and in which run of a notebook it happened (jobs/origin.py), as far as that is known; `reason` is what
    somebody gave for passing by a gate.
    """

    digest: str
    t: float
    by: str
    host: str
    action: str
    inputs: str = ""
    tree: str = ""
    pointers: tuple[str, ...] = ()
    job: str = ""
    record: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Move:
        """Return the move that an entry of a pointer file is; older ones do not say which pointers they moved."""
        moved = data.get("pointers", _MOVED.get(data["action"], ()))
        return cls(**{**data, "pointers": tuple(moved)})

    def as_json(self) -> dict[str, Any]:
        """Return the entry of a pointer file that it is."""
        return {key: value for key, value in asdict(self).items() if value or key not in _IF_ANY}


@dataclass(frozen=True)
class Pointers:
    """The pointers of one image name, as its moves tell, oldest first; `gone` are digests that were collected since."""

    image: str
    history: tuple[Move, ...] = ()
    gone: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pointers:
        """Return the pointers that a pointer file holds, which does not say what is gone."""
        return cls(data["image"], tuple(map(Move.from_json, data["history"])))

    def as_json(self) -> dict[str, Any]:
        """Return what the pointer file holds; `digest`, the current one, first, for readers that want nothing else."""
        history = [move.as_json() for move in self.history]
        return {"image": self.image, "digest": self.current, "candidate": self.candidate, "history": history}

    @property
    def current(self) -> str:
        """Return the digest that nodes boot, or "" if none was promoted yet."""
        return self._digest(CURRENT)

    @property
    def candidate(self) -> str:
        """Return the digest that was packed last, or "" if none was."""
        return self._digest(CANDIDATE)

    @property
    def previous(self) -> str:
        """Return the digest that a rollback goes to, or "" if there is none; rolling back twice goes back two."""
        stack: list[str] = []
        for move in self._moves(CURRENT):
            if move.action == ROLLBACK and move.digest in stack:
                while stack[-1] != move.digest:
                    stack.pop()
            else:
                stack.append(move.digest)
        return next((digest for digest in reversed(stack) if digest not in {self.current, *self.gone}), "")

    @property
    def hold(self) -> Move | None:
        """Return the rollback that keeps `current` where it is until somebody promotes; None if there is none."""
        moves = self._moves(CURRENT)
        return moves[-1] if moves and moves[-1].action == ROLLBACK else None

    def of(self, digest: str) -> list[str]:
        """Return the names of the pointers that point at a digest."""
        found = ((CURRENT, self.current), (CANDIDATE, self.candidate), (PREVIOUS, self.previous))
        return [name for name, pointed in found if pointed == digest]

    def at(self, t: float) -> str:
        """Return what `current` was before a time, in seconds since the epoch; "" if it was nothing yet."""
        return next((move.digest for move in reversed(self._moves(CURRENT)) if move.t < t), "")

    def until(self, digest: str) -> float:
        """Return when a pointer last left a digest, in seconds since the epoch; 0.0 if none ever pointed at it."""
        moves = (pair for name in (CURRENT, CANDIDATE) for pair in pairwise(self._moves(name)))
        return max((after.t for before, after in moves if before.digest == digest != after.digest), default=0.0)

    def last(self, digest: str, *actions: str) -> Move | None:
        """Return the last thing that happened to a digest, of these actions if any are given; None if nothing did."""
        moves = (move for move in reversed(self.history) if move.digest == digest)
        return next((move for move in moves if not actions or move.action in actions), None)

    def published(self, move: Move, *, gated: bool) -> Pointers:
        """Return the pointers after a version was packed; one that is the candidate already undoes no decision."""
        if move.digest != self.candidate:
            stays = gated or self.hold is not None
            return self._with(move, (CANDIDATE,) if stays else (CANDIDATE, CURRENT))
        known = any((one.digest, one.inputs, one.tree) == (move.digest, move.inputs, move.tree) for one in self.history)
        return self if known else self._with(move, ())

    def promoted(self, move: Move) -> Pointers:
        """Return the pointers after a promotion, which ends what a rollback holds."""
        return self if move.digest == self.current and not self.hold else self._with(move, (CURRENT,))

    def rolled_back(self, move: Move) -> Pointers:
        """Return the pointers after a rollback, which holds until a promotion."""
        return self if move.digest == self.current and self.hold else self._with(move, (CURRENT,))

    def knows(self, inputs: str) -> bool:
        """Tell whether anything was packed from these inputs, from whatever tree."""
        return any(move.inputs == inputs for move in self.history)

    def packed_from(self, source: Source) -> str:
        """Return the newest digest that was packed from a source, or ""."""
        found = (move.digest for move in reversed(self.history) if Source(move.inputs, move.tree) == source)
        return next(found, "") if source.tree else ""

    def _moves(self, pointer: str) -> list[Move]:
        return [move for move in self.history if pointer in move.pointers]

    def _digest(self, pointer: str) -> str:
        moves = self._moves(pointer)
        return moves[-1].digest if moves else ""

    def _with(self, move: Move, pointers: tuple[str, ...]) -> Pointers:
        return replace(self, history=(*self.history, replace(move, pointers=pointers)))
