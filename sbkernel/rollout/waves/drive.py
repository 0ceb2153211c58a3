"""Bring nodes that are set to the end of a boot: send it once, or wait for it, watch, and say what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sbkernel.nodes.results import NodeResult
from sbkernel.rollout.waves.boots import Seen
from sbkernel.rollout.waves.hands import Hands, Sending
from sbkernel.rollout.waves.journal import Journal
from sbkernel.rollout.waves.plan import NEXT, SCHEDULER
from sbkernel.rollout.waves.progress import OPEN, NodeProgress, Word
from sbkernel.units import seconds

_DRAINED_EVERY_S = 2.0
Over: TypeAlias = Callable[[], bool]


class Drive:
    """The boots of one wave, or of the way back."""

    def __init__(self, journal: Journal, hands: Hands, back: bool, on_change: Callable[[], None]) -> None:
        self._journal, self._hands, self._back = journal, hands, back
        self._progress = journal.progress
        self._plan = journal.progress.plan
        self._on_change = on_change
        self._asked_drained = float("-inf")

    def run(self, nodes: Sequence[str], over: Over) -> None:
        """Return when none of the nodes is under way any more, or it is over for them; what was sent is noted."""
        self.find_sent(nodes, self._back)
        if not over() and (asked := self._of(nodes, "draining")):
            self._hands.drain(asked)  # whoever said so was killed, perhaps before it was asked
        sending: Sending | None = None
        try:
            while not over() and (under_way := self._of(nodes, *OPEN)):
                self._begin(under_way)
                if sending is None and (ready := self._ready(under_way)):
                    self._journal.say("sending", ready)
                    sending = self._hands.send(ready, self._back)
                if sending is not None:
                    self._sent(sending.results())
                    sending = None if sending.done else sending
                self._watch(self._of(nodes, "booting"))
                self._on_change()
                if not over() and self._of(nodes, *OPEN):
                    self._hands.rest()
        finally:
            if sending is not None:
                self._sent(sending.stop(), stopped=True)
        self._watch(self._of(nodes, "booting"))

    def find_sent(self, nodes: Sequence[str], back: bool) -> None:
        """Find out what became of boots that were being sent when somebody killed us."""
        unsure = {node: self._progress.nodes[node].asked for node in self._of(nodes, "sending")}
        if not unsure:
            return
        sent = self._hands.was_sent(unsure, back)
        self._journal.say("booting", [node for node in unsure if node in sent], "its boot had been sent")
        self._journal.say(self._unsent(back), [node for node in unsure if node not in sent])

    def _of(self, nodes: Sequence[str], *words: Word) -> list[str]:
        return [node for node in nodes if self._progress.nodes[node].word in words]

    def _unsent(self, back: bool) -> Word:
        """Return what a node is whose boot was about to be sent: one that the scheduler has freed is owed to it."""
        return "draining" if self._plan.options.how == SCHEDULER else _set(back)

    def _begin(self, nodes: Sequence[str]) -> None:
        """Let nodes that are set wait for whoever boots them, if that is not us."""
        fresh, how = self._of(nodes, _set(self._back)), self._plan.options.how
        if how == NEXT and not self._back:
            self._journal.say("booting", fresh, "when it boots next")
        elif how == SCHEDULER and fresh:
            self._journal.say("draining", fresh)
            self._hands.drain(fresh)

    def _ready(self, nodes: Sequence[str]) -> list[str]:
        """Return which nodes are to be booted now."""
        if self._plan.options.how != SCHEDULER:
            return self._of(nodes, _set(self._back))
        waiting = self._of(nodes, "draining")
        now = self._hands.now()
        if not waiting or now - self._asked_drained < _DRAINED_EVERY_S:
            return []
        self._asked_drained = now
        free = set(self._hands.drained(waiting))
        late = [node for node in waiting if node not in free and self._waits_too_long(node, now)]
        if late:
            self._hands.resume(late)
            self._journal.say("failed", late, f"not drained within {seconds(self._plan.options.wait_s)}")
        return [node for node in waiting if node in free]

    def _waits_too_long(self, node: str, now: float) -> bool:
        return now - self._progress.nodes[node].since > self._plan.options.wait_s

    def _sent(self, results: Sequence[NodeResult], *, stopped: bool = False) -> None:
        """Note what came out of boots that were sent."""
        self._journal.say("booting", [one.node for one in results if one.ok])
        wrong = {one.node: one.text for one in results if not one.ok and not (stopped and one.untouched)}
        held = self._hands.held(list(wrong)) if wrong else {}
        self._journal.say_each("failed" if self._back else "held", held)
        self._journal.say_each("failed", {node: text for node, text in wrong.items() if node not in held})
        self._journal.say(self._unsent(self._back), [one.node for one in results if stopped and one.untouched])

    def _watch(self, nodes: Sequence[str]) -> None:
        """Look at boots that are under way."""
        if not nodes:
            return
        known = self._progress.nodes
        found = self._hands.look({node: known[node].asked for node in nodes}, self._back)
        now = self._hands.now()
        up = [node for node in nodes if found[node].word == "up"]
        if up and self._plan.options.how == SCHEDULER:
            self._hands.resume(up)
        self._journal.say("back" if self._back else "up", up)
        self._journal.say_each("failed", {node: one.why for node, one in found.items() if one.word == "failed"})
        late = [node for node in nodes if self._is_late(known[node], found[node], now)]
        self._journal.say_each("failed", self._hands.diagnose(late) if late else {})

    def _is_late(self, one: NodeProgress, found: Seen, now: float) -> bool:
        if found.word not in ("", "begun"):
            return False
        options = self._plan.options
        waits = options.how == NEXT and not self._back and not found.began
        begun = max(one.since, found.began) if options.how == NEXT and not self._back else one.since
        return now - begun > (options.wait_s if waits else options.timeout_s)


def _set(back: bool) -> Word:
    return "set back" if back else "set"
