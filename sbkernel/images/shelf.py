"""Where the outcomes of a build lie: layers in the cache, trees and files in a directory, below its work place first.

A journal in the work place says what is whole there, so that a run after `kill -9` goes on behind the last step that
had finished. A tree that a step was working on when it was killed is not whole and is made again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sbkernel.files import made, write_whole
from sbkernel.images.layers.layers import Layers
from sbkernel.images.plan import Facts, Plan, Step
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.processes import boot_id

JOURNAL = ".steps.json"


@dataclass(frozen=True)
class Outcome:
    """What lies there: made by which step, under which digest, with which facts."""

    step: str
    digest: str
    facts: Facts


def outcomes_of(data: Mapping[str, Mapping[str, object]]) -> dict[str, Outcome]:
    """Return outcomes by name as a record holds them; those of another format are none."""
    fields = set(Outcome.__dataclass_fields__)
    return {name: Outcome(**entry) for name, entry in data.items() if set(entry) == fields}  # type: ignore[arg-type]


@dataclass
class DirectoryShelf:
    """The outcomes of one plan: finished ones in `place` as `there` says, the others in `work`, on the same disk."""

    plan: Plan
    place: Path
    work: Path
    there: Mapping[str, Outcome]
    layers: Layers

    def __post_init__(self) -> None:
        self._held = ExitStack()
        self._new: dict[str, Outcome] = {}
        self._writing = threading.Lock()
        self._completing: dict[str, Future[None]] = {}

    @classmethod
    @contextmanager
    def open(
        cls, plan: Plan, place: Path, work: Path, there: Mapping[str, Outcome], layers: Layers
    ) -> Iterator[DirectoryShelf]:
        """Open a shelf for a block; after it the work place is gone, unless this process was killed inside."""
        shelf = cls(plan, place, work, there, layers)
        shelf._take_up()
        try:
            with shelf._held:
                yield shelf
        finally:
            remove_tree(work)

    @classmethod
    @contextmanager
    def looking(
        cls, plan: Plan, place: Path, work: Path, there: Mapping[str, Outcome], layers: Layers
    ) -> Iterator[DirectoryShelf]:
        """Open a shelf for a block that only asks what is there; nothing is changed."""
        shelf = cls(plan, place, work, there, layers)
        shelf._new = shelf._left()
        with shelf._held:
            yield shelf

    @property
    def new(self) -> Mapping[str, Outcome]:
        """Return the outcomes that lie in the work place, whole."""
        return self._new

    def has(self, step: Step) -> bool:
        """Tell whether the outcome of a step is whole, in the cache, in the work place, or finished in its place."""
        digest = self.plan.digests[step.name]
        if step.makes == "nothing":
            return False
        if step.makes == "layer":
            return self._keep(self.layers.hold(digest))
        if step.outcome in self._new:
            return self._new[step.outcome].digest == digest
        found = self.there.get(step.outcome)
        return found is not None and found.digest == digest and self.plan.last(step.outcome) is step

    def make(self, step: Step, run: Callable[[Path], Facts | None], *, anew: bool = False) -> None:
        """Make an outcome in the cache or in the work place, and write it down."""
        digest = self.plan.digests[step.name]
        if step.makes == "layer":
            self._keep(self.layers.make(digest, lambda tree: run(tree) or {}, anew=anew))
            beside = self._held.enter_context(ThreadPoolExecutor(1))
            self._completing[step.name] = beside.submit(self.layers.complete, digest)
        elif step.makes == "nothing":
            run(self.work)
        else:
            self._note(step.outcome, None)
            if not self._works_in_place(step):
                remove_tree(self.work / step.outcome)
            facts = run(self.work / step.outcome) or {}
            self._note(step.outcome, Outcome(step.name, digest, dict(facts)))

    def path(self, outcome: str) -> Path:
        """Return where a layer's tree, another tree or a file lies."""
        if (digest := self._layer(outcome)) is not None:
            return self.layers.tree(digest)
        return (self.work if (self.work / outcome).exists() else self.place) / outcome

    def facts(self, outcome: str) -> Facts:
        """Return what was recorded with an outcome."""
        if (digest := self._layer(outcome)) is not None:
            return self.layers.facts(digest)
        found = self._new.get(outcome) or self.there.get(outcome)
        return found.facts if found else {}

    def disk(self, step: Step) -> Path:
        """Return where layers are kept, or the work place."""
        return self.layers.root if step.makes == "layer" else self.work

    def complete(self, step: Step) -> None:
        """Wait until a layer is complete, which a build that was killed may not have done."""
        if completing := self._completing.pop(step.name, None):
            completing.result()
        elif step.makes == "layer" and self.has(step):
            self.layers.complete(self.plan.digests[step.name])

    def _layer(self, outcome: str) -> str | None:
        made_by = (step.name for step in self.plan if step.makes == "layer" and step.outcome == outcome)
        name = next(made_by, None)
        return None if name is None else self.plan.digests[name]

    def _works_in_place(self, step: Step) -> bool:
        return any(earlier.outcome == step.outcome for earlier in self.plan if earlier.name in step.on)

    def _left(self) -> dict[str, Outcome]:
        """Return what a killed run has left whole and this plan can use; nothing after a crash of the machine."""
        try:
            left = json.loads((self.work / JOURNAL).read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        wanted = set(self.plan.digests.values())
        found = outcomes_of(left.get("outcomes", {})) if left.get("boot") == boot_id() else {}
        return {name: one for name, one in found.items() if one.digest in wanted}

    def _take_up(self) -> None:
        self._new = self._left()
        for entry in list(self.work.iterdir()) if self.work.is_dir() else []:
            if entry.name not in self._new:
                remove_tree(entry)
        made(self.work)
        self._write()

    def _keep(self, descriptor: int | None) -> bool:
        """Keep the hold on a layer until the shelf is closed."""
        if descriptor is not None:
            self._held.callback(os.close, descriptor)
        return descriptor is not None

    def _note(self, outcome: str, whole: Outcome | None) -> None:
        """Write down that an outcome is whole, or not any more if it was."""
        with self._writing:
            before = self._new.pop(outcome, None)
            if whole is not None:
                self._new[outcome] = whole
            if whole != before:
                self._write()

    def _write(self) -> None:
        data = {"boot": boot_id(), "outcomes": {name: asdict(one) for name, one in self._new.items()}}
        write_whole(self.work / JOURNAL, json.dumps(data, indent=1) + "\n")
