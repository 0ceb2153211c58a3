"""What a build will do, as a value: steps that carry their own program, named by digests of all that they depend on.

A plan is printed, compared, kept and executed (images/execute.py); what was reviewed is what runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from sbkernel.errors import BuildError
from sbkernel.jobs.report import Report

SHOWN_DIGITS = 12
Kind = Literal["layer", "tree", "file", "nothing"]
"""A layer lies in the cache under its step's digest; a tree may be worked on by later steps; a file is made once."""

Facts = Mapping[str, Any]


class Work(Protocol):
    """What the program of a step is handed."""

    @property
    def target(self) -> Path:
        """Return where the outcome of this step goes."""

    @property
    def report(self) -> Report:
        """Return whom to tell how it goes."""

    def path(self, outcome: str) -> Path:
        """Return where an outcome of an earlier step lies."""

    def facts(self, outcome: str) -> Facts:
        """Return what the step that made an outcome has recorded."""


def _not_runnable(_work: Work) -> None:
    raise BuildError("this plan was read from a file: it can be compared, not run")


@dataclass(frozen=True)
class Step:
    """One step of a plan.

    `inputs` is all that its outcome depends on beside the steps it stands `on`, as JSON-able data, large content by its
    sha256; `version` is that of our code for it. It makes the outcome called `outcome`; a tree that a step it stands on
    has made is worked on in place. `run` does the work and returns facts to record. A step that is `always` run
    reads what nothing tells. One that may run `beside` the following steps is short and starts no program.
    """

    name: str
    title: str
    inputs: Any
    makes: Kind
    outcome: str = ""
    on: tuple[str, ...] = ()
    version: int = 1
    summary: str = ""
    total: int | None = None
    always: bool = False
    beside: bool = False
    run: Callable[[Work], Facts | None] = field(default=_not_runnable, compare=False, repr=False)


@dataclass(frozen=True)
class Plan:
    """The steps that make one image, in order; each stands on steps before it or on what is `given`, by digest."""

    image: str
    steps: tuple[Step, ...]
    given: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Step:
        """Return the step of that name."""
        return next(step for step in self.steps if step.name == name)

    def __iter__(self) -> Iterator[Step]:
        """Iterate over the steps."""
        return iter(self.steps)

    def __eq__(self, other: object) -> bool:
        """Tell whether two plans make the same from the same."""
        return isinstance(other, Plan) and (self.image, self.digests) == (other.image, other.digests)

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digests(self) -> dict[str, str]:
        """Return the digest of every step by name: of its kind, its version, its inputs and the steps it stands on."""
        digests = dict(self.given)
        for step in self.steps:
            base = [digests[name] for name in step.on]
            digests[step.name] = digest_of([step.name, step.version, base, step.inputs])
        return {step.name: digests[step.name] for step in self.steps}

    @cached_property
    def digest(self) -> str:
        """Return the digest of the whole plan."""
        return digest_of([self.image, self.digests])

    def last(self, outcome: str) -> Step:
        """Return the step after which an outcome is finished."""
        return next(step for step in reversed(self.steps) if step.outcome == outcome)

    def pending(self, has: Callable[[Step], bool]) -> tuple[Step, ...]:
        """Return the steps to run: those whose outcome is wanted and not there, and what they need for it.

        `has` tells whether the outcome of a step is there. Wanted are the outcomes that no other step only prepares.
        """
        needed = {name for step in self.steps for name in step.on}
        wanted = {s.name for s in self.steps if s.name not in needed or (s.makes != "nothing" and self._is_last(s))}
        spoiled = self._spoiled()
        runs: set[str] = set()
        for step in reversed(self.steps):
            if step.name in wanted and (step.name in spoiled or not has(step)):
                runs.add(step.name)
                wanted.update(step.on)
        return tuple(step for step in self.steps if step.name in runs)

    def _is_last(self, step: Step) -> bool:
        return step.makes != "layer" and self.last(step.outcome) is step

    def _spoiled(self) -> set[str]:
        """Return the steps that are always run, and those that stand on them."""
        spoiled: set[str] = set()
        for step in self.steps:
            if step.always or spoiled.intersection(step.on):
                spoiled.add(step.name)
        return spoiled

    def render(self, pending: Collection[Step] | None = None) -> str:
        """Return the plan as text: digest, whether the step would run, what it does and from what.

        Without `pending`, all would run.
        """
        runs = {step.name for step in (self.steps if pending is None else pending)}
        rows = [
            (self.digests[step.name][:SHOWN_DIGITS], "run" if step.name in runs else "cached", step) for step in self
        ]
        width = max(len(step.title) for step in self)
        return "\n".join(
            f"{digest}  {state:<6}  {step.title:<{width}}  {_about(step)}".rstrip() for digest, state, step in rows
        )

    def __str__(self) -> str:
        """Return the plan as it looks when nothing is done yet."""
        return self.render()

    def to_json(self) -> str:
        """Return the plan without its program."""
        steps = [
            {"name": s.name, "title": s.title, "version": s.version, "on": list(s.on), "inputs": s.inputs,
             "makes": s.makes, "outcome": s.outcome, "summary": s.summary}
            for s in self
        ]  # fmt: skip
        return json.dumps({"image": self.image, "given": dict(self.given), "steps": steps}, indent=1) + "\n"


@dataclass(frozen=True)
class Planned:
    """A plan to be shown, which of its steps would run now, and how the layer of packages would be made."""

    plan: Plan
    pending: tuple[Step, ...]
    layer: str = ""

    def __str__(self) -> str:
        """Return every step with its digest and whether it would run, and the digest of the plan."""
        how = f"packages: {self.layer}\n" if self.layer else ""
        return f"{self.plan.render(self.pending)}\n{how}plan {self.plan.digest}"


def _about(step: Step) -> str:
    undeclared = "its inputs are not declared" if step.always else ""
    return "; ".join(filter(None, [step.summary, undeclared]))


def plan_from_json(text: str) -> Plan:
    """Return the plan that a text of `to_json` holds; it can be shown and compared, not run."""
    data = json.loads(text)
    steps = tuple(Step(**{**step, "on": tuple(step["on"])}) for step in data["steps"])
    return Plan(data["image"], steps, data["given"])


def differences(old: Plan, new: Plan) -> list[str]:
    """Return what differs between two plans, a line each: the step, the input, and its value in both."""
    before, after = ({step.name: step for step in plan} for plan in (old, new))
    found = [f"{name}: no such step before" for name in after if name not in before]
    found += [f"{name}: no such step any more" for name in before if name not in after]
    for name in (name for name in after if name in before):
        for what in ("version", "on", "inputs"):
            found += _unlike(f"{name}: {what}", getattr(before[name], what), getattr(after[name], what))
    return [*found, *_unlike("given", old.given, new.given)]


def _unlike(where: str, old: Any, new: Any) -> Iterator[str]:
    """Yield the paths in two JSON-able values at which they differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if key not in new:
                yield f"{where}: {key} is gone ({_short(old[key])})"
            elif key not in old:
                yield f"{where}: {key} is new ({_short(new[key])})"
            else:
                yield from _unlike(f"{where}: {key}", old[key], new[key])
    elif _plain(old) != _plain(new):
        yield f"{where}: {_short(old)} -> {_short(new)}"


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _plain(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def digest_of(data: Any) -> str:
    """Return the sha256 of JSON-able data, independent of the order of keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
