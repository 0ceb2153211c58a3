"""Carry out a plan wave by wave, and go back when one goes wrong; killed at any moment, it can be done again.

What was done stands in the journal; what may have been sent is looked up. It knows nodes by its hands only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sbkernel.definitions.ranges.fold import fold
from sbkernel.rollout.waves.budget import read_budget
from sbkernel.rollout.waves.drive import Drive
from sbkernel.rollout.waves.hands import Hands
from sbkernel.rollout.waves.journal import GO_BACK, STAY, Journal
from sbkernel.rollout.waves.plan import NEXT, SCHEDULER
from sbkernel.rollout.waves.progress import BACK, DONE, STOPPED, NodeProgress
from sbkernel.units import shortened

_NAMED = 3


class Engine:
    """One roll-out, from wherever it stands to its end."""

    def __init__(self, journal: Journal, hands: Hands, on_change: Callable[[], None] = lambda: None) -> None:
        self._journal = journal
        self._progress = journal.progress
        self._plan = journal.progress.plan
        self._budget = read_budget(self._plan.options.budget)
        self._hands = hands
        self._on_change = on_change

    def run(self) -> None:
        """Go on to the end. What is raised leaves the roll-out interrupted: run it again."""
        if self._progress.end:
            return
        if self._progress.back is None and not self._forward():
            return
        if self._progress.back is not None:
            self._back()
        else:
            up, held = self._of("up"), self._of("held")
            said = self._hands.settle(up, len(up) + len(held) == len(self._plan.nodes))
            self._journal.event(end=DONE, why=said)

    def _forward(self) -> bool:
        """Do the waves that are to come; return whether anything is to be done after them."""
        for number in range(1, len(self._plan.waves) + 1):
            if number not in self._progress.judged:
                self._wave(number)
                order = self._hands.order()
                if order == GO_BACK:
                    self._journal.event(back="somebody asked for it")
                    return True
                if order == STAY:
                    return self._stay()
                self._judge(number)
            if not self._progress.judged[number].good:
                self._journal.event(back=f"wave {number}: {self._progress.judged[number].why}")
                return True
        return True

    def _wave(self, number: int) -> None:
        if self._progress.wave != number:
            self._journal.event(wave=number)
        if not self._hands.order():
            self._set([one.node for one in self._progress.of(number) if one.word in ("waiting", "setting")])
        nodes = self._plan.waves[number - 1].nodes
        self._drive(False).run(nodes, lambda: bool(self._hands.order()) or self._is_bad(number))

    def _set(self, nodes: Sequence[str]) -> None:
        """Set nodes that wait for their turn, but for those that somebody holds by now."""
        held = self._hands.held(nodes)
        self._journal.say_each("held", held)
        free = [node for node in nodes if node not in held]
        self._journal.say("setting", free)
        errors = self._hands.put(free) if free else {}
        self._journal.say("set", [node for node in free if node not in errors])
        self._journal.say_each("failed", errors)

    def _judge(self, number: int) -> None:
        failed, tried = self._progress.failed(number)
        good = not self._is_bad(number)
        alike: dict[str, list[str]] = {}
        for one in self._progress.of(number):
            if one.word == "failed":
                alike.setdefault(one.why, []).append(one.node)
        reasons = [f"{fold(nodes)} {why}" for why, nodes in alike.items()]
        said = f"{failed} of {tried} failed"
        if reasons:
            said += f" ({self._budget} may): {'; '.join(shortened(reasons, _NAMED))}"
        self._journal.event(judged=number, good=good, why=said if failed else f"all {tried} are up")

    def _is_bad(self, number: int) -> bool:
        return self._budget.exceeded(*self._progress.failed(number))

    def _drive(self, back: bool) -> Drive:
        return Drive(self._journal, self._hands, back, self._on_change)

    def _stay(self) -> bool:
        """End where it stands. What the scheduler was only asked for is given back to it."""
        self._journal.say("set", self._of("setting"), "or it may be: the roll-out was killed while it set it")
        if waiting := self._of("draining"):
            self._hands.resume(waiting)
            self._journal.say("set", waiting, "given back to the scheduler before it booted")
        self._journal.event(end=STOPPED, why="somebody asked for it; nodes stay as they are")
        return False

    def _back(self) -> None:
        """Set back what was set, and boot again what may have booted the version."""
        drive = self._drive(True)
        drive.find_sent([one.node for one in self._nodes() if not one.returned], back=False)
        todo = [one.node for one in self._nodes() if one.is_set and not one.returned and one.word != "back"]
        errors = self._hands.set_back(todo) if todo else {}
        back = [node for node in todo if node not in errors]
        again = [node for node in back if self._boots_again(self._progress.nodes[node])]
        rest = [node for node in back if node not in again]
        if rest and self._plan.options.how == SCHEDULER:
            self._hands.resume(rest)
        booted = [node for node in rest if self._progress.nodes[node].sent]
        self._journal.say("back", booted, "from its next boot on")
        self._journal.say("back", [node for node in rest if node not in booted], "it had not booted the version")
        self._journal.say("set back", again)
        self._journal.say_each("failed", {node: f"not set back: {why}" for node, why in errors.items()})
        drive.run(self._plan.nodes, lambda: self._hands.order() == STAY)
        if self._hands.order() == STAY and self._of("set back", "sending", "booting", "draining"):
            self._stay()
            return
        lost = [one.node for one in self._nodes() if one.word == "failed" and one.is_set]
        self._journal.event(
            end=BACK, why=f"{self._progress.back}" + (f"; not well again: {fold(lost)}" if lost else "")
        )

    def _boots_again(self, one: NodeProgress) -> bool:
        """Tell whether a node boots again on its way back: with `next`, only what is down already does."""
        if not one.sent:
            return False
        return self._plan.options.how != NEXT or one.word == "failed"

    def _nodes(self) -> list[NodeProgress]:
        return list(self._progress.nodes.values())

    def _of(self, *words: str) -> list[str]:
        return [one.node for one in self._nodes() if one.word in words]
