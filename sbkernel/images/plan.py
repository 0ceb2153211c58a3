"""What a build will do, as a value: steps named by digests, to print, to compare and to resume by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Step:
    """One step of a build; `inputs` says in a few words what its digest covers."""

    name: str
    title: str
    digest: str
    inputs: str


@dataclass(frozen=True)
class Plan:
    """The steps that make one image, in order."""

    image: str
    steps: tuple[Step, ...]

    def __getitem__(self, name: str) -> Step:
        """Return the step of that name."""
        return next(step for step in self.steps if step.name == name)

    def __iter__(self) -> Iterator[Step]:
        """Iterate over the steps."""
        return iter(self.steps)

    @property
    def digests(self) -> dict[str, str]:
        """Return the digest of every step by name."""
        return {step.name: step.digest for step in self.steps}

    def to_run(self, done: Mapping[str, str]) -> tuple[Step, ...]:
        """Return the steps whose digest is not among the done ones."""
        return tuple(step for step in self.steps if done.get(step.name) != step.digest)

    def render(self, done: Mapping[str, str]) -> str:
        """Return the plan as text: digest, whether the step would run, what it does and from what."""
        pending = {step.name for step in self.to_run(done)}
        rows = [(s.digest[:SHOWN_DIGITS], "run" if s.name in pending else "cached", s.title, s.inputs) for s in self]
        width = max(len(title) for _, _, title, _ in rows)
        return "\n".join(f"{d}  {state:<6}  {title:<{width}}  {inputs}".rstrip() for d, state, title, inputs in rows)

    def __str__(self) -> str:
        """Return the plan as it looks when nothing is done yet."""
        return self.render({})


@dataclass(frozen=True)
class Draft:
    """A step before it has a place: its version (of our code for it), and everything that its outcome depends on."""

    name: str
    title: str
    version: int
    data: Any
    inputs: str


def make_plan(image: str, drafts: Iterable[Draft], *, after: str = "") -> Plan:
    """Chain drafts into a plan: digest = sha256(kind and version, digest before it, its inputs as canonical JSON).

    `after` is the digest of the step that the first one follows.
    """
    steps: list[Step] = []
    before = after
    for draft in drafts:
        before = digest_of([draft.name, draft.version, before, draft.data])
        steps.append(Step(draft.name, draft.title, before, draft.inputs))
    return Plan(image, tuple(steps))


def digest_of(data: Any) -> str:
    """Return the sha256 of JSON-able data, independent of the order of keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
