"""Nodes in memory with a clock of their own, for the engine of roll-outs; and journals that die when a test wants."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sbkernel.nodes.results import NodeResult
from sbkernel.rollout.waves.boots import NOTHING, Seen
from sbkernel.rollout.waves.division import Wave
from sbkernel.rollout.waves.engine import Engine
from sbkernel.rollout.waves.journal import Journal, Rollout
from sbkernel.rollout.waves.plan import Before, Options, RolloutPlan
from sbkernel.rollout.waves.progress import Progress

NEW, OLD = "a" * 64, "b" * 64
BOOT_S = 3.0
WAYS = ("well", "bad", "dead", "silent", "unset", "held", "wrong")
"""bad: its boot of the new version fails; dead: its BMC does not answer; silent: the new version is never heard of."""


class KilledError(BaseException):
    """The process was killed."""


@dataclass
class World:
    """Nodes; `ways` says how each behaves. The rest is what was done to them, whoever was killed meanwhile."""

    ways: Mapping[str, str]
    pace: int = 2
    t: float = 1000.0
    ask: str = ""
    """What somebody asks for."""
    next_after: float = 10.0
    boots: dict[str, str] = field(default_factory=dict)
    sent: Counter[tuple[str, bool]] = field(default_factory=Counter)
    booted: dict[str, tuple[float, str]] = field(default_factory=dict)
    put_at: dict[str, float] = field(default_factory=dict)
    drains: Counter[str] = field(default_factory=Counter)
    drained_now: set[str] = field(default_factory=set)
    settled: list[str] = field(default_factory=list)
    are_all: bool | None = None
    looks_until_asked: int = -1
    """After so many rests somebody asks for `then_ask`."""
    then_ask: str = "stay"

    def now(self) -> float:
        return self.t

    def rest(self) -> None:
        self.t += 1.0
        self.looks_until_asked -= 1
        if self.looks_until_asked == 0:
            self.ask = self.then_ask

    def order(self) -> str:
        return self.ask

    def held(self, nodes: Sequence[str]) -> dict[str, str]:
        return {node: "held by amy" for node in nodes if self.ways[node] == "held"}

    def put(self, nodes: Sequence[str]) -> dict[str, str]:
        errors = {node: "no MAC" for node in nodes if self.ways[node] == "unset"}
        for node in {*nodes} - {*errors}:
            self.boots[node] = NEW
            self.put_at[node] = self.t
        return errors

    def set_back(self, nodes: Sequence[str]) -> dict[str, str]:
        self.boots |= dict.fromkeys(nodes, OLD)
        return {}

    def settle(self, nodes: Sequence[str], are_all: bool) -> str:
        self.settled, self.are_all = list(nodes), are_all
        return ""

    def send(self, nodes: Sequence[str], back: bool) -> FakeSending:
        return FakeSending(self, list(nodes), back)

    def was_sent(self, since: Mapping[str, float], back: bool) -> set[str]:
        return {node for node in since if self.sent[node, back]}

    def look(self, since: Mapping[str, float], back: bool) -> dict[str, Seen]:
        return {node: self._look(node, t, OLD if back else NEW) for node, t in since.items()}

    def _look(self, node: str, since: float, wanted: str) -> Seen:
        if node not in self.booted and node in self.put_at and not self.sent[node, False]:
            return self._by_itself(node, wanted)
        began, image = self.booted.get(node, (0.0, ""))
        if began < since or self.t < began + BOOT_S:
            return NOTHING
        if image == NEW and self.ways[node] in ("bad", "silent", "wrong"):
            words = {"bad": Seen("failed", began, image, "its sha256 differs"), "silent": Seen("begun", began)}
            return words.get(self.ways[node], Seen("failed", began, OLD, "it runs bbbbbbbb instead"))
        return Seen("up", began, image) if image == wanted else Seen("failed", began, image, "another version")

    def _by_itself(self, node: str, wanted: str) -> Seen:
        """Boot a node that nobody boots, some time after it was set."""
        began = self.put_at[node] + self.next_after
        if self.t < began + BOOT_S:
            return NOTHING
        if self.ways[node] == "bad":
            return Seen("failed", began, NEW, "its sha256 differs")
        return Seen("up", began, wanted)

    def diagnose(self, nodes: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(nodes, "stuck at initrd")

    def drain(self, nodes: Sequence[str]) -> None:
        self.drains.update(nodes)
        self.drained_now |= {*nodes}

    def drained(self, nodes: Sequence[str]) -> Iterable[str]:
        return [node for node in nodes if node in self.drained_now and self.ways[node] != "silent"]

    def resume(self, nodes: Sequence[str]) -> None:
        self.drained_now -= {*nodes}


class FakeSending:
    """Boots at a pace: `pace` of them each time somebody asks."""

    def __init__(self, world: World, nodes: list[str], back: bool) -> None:
        self._world, self._nodes, self._back = world, nodes, back

    def results(self) -> list[NodeResult]:
        now, self._nodes = self._nodes[: self._world.pace], self._nodes[self._world.pace :]
        return [self._boot(node) for node in now]

    @property
    def done(self) -> bool:
        return not self._nodes

    def stop(self) -> list[NodeResult]:
        return [NodeResult(node, False, "not sent: stopped", untouched=True) for node in self._nodes]

    def _boot(self, node: str) -> NodeResult:
        if self._world.ways[node] == "dead":
            return NodeResult(node, False, "no answer from BMC")
        self._world.sent[node, self._back] += 1
        self._world.booted[node] = (self._world.t, self._world.boots[node])
        return NodeResult(node, True, "reset")


def plan_of(sizes: Sequence[int], **options: object) -> RolloutPlan:
    """Return a plan with waves of these sizes."""
    waves, number = [], 0
    for size in sizes:
        waves.append(Wave(str(size), tuple(f"n{one}" for one in range(number + 1, number + size + 1))))
        number += size
    before = {node: Before("netboot x", "mine", OLD, "mine") for wave in waves for node in wave.nodes}
    given = Options(**{"timeout_s": 60.0, "wait_s": 300.0, **options})  # type: ignore[arg-type]
    return RolloutPlan("mine", NEW, "mine@candidate", "all", tuple(waves), before, {}, given)


class DyingJournal(Journal):
    """A journal whose process is killed at its event of a number, before or after the line is on the disk."""

    def __init__(self, rollout: Rollout, clock: Callable[[], float], dies_at: int, before: bool) -> None:
        super().__init__(rollout, clock)
        self._left, self._before = dies_at, before

    def event(self, **data: object) -> None:
        self._left -= 1
        if self._left == 0 and self._before:
            raise KilledError
        super().event(**data)
        if self._left == 0:
            raise KilledError


def run_through(
    rollout: Rollout, world: World, deaths: Iterable[tuple[int, bool]] = (), then_ask: str = ""
) -> Progress:
    """Carry a roll-out out to its end, killed and begun again as often as there are deaths; return how it ended.

    Of the one that was killed at last somebody may ask for an end.
    """
    for dies_at, before in [*deaths, (-1, False)]:
        if dies_at < 0 and then_ask:
            world.ask = then_ask
        journal = DyingJournal(rollout, world.now, dies_at, before)
        try:
            Engine(journal, world).run()
        except KilledError:
            continue
        finally:
            journal.close()
        break
    return rollout.progress()


def in_memory(directory: Path, plan: RolloutPlan) -> Rollout:
    """Return a roll-out that lies in a directory and has just been decided."""
    (directory / "plan.json").write_text(json.dumps({"t": 0.0, "by": "me", "plan": plan.as_dict()}))
    (directory / "events.jsonl").unlink(missing_ok=True)
    return Rollout("one", directory)
