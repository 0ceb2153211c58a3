"""How far a roll-out is, as its events tell: a word for each node, and why. Pure.

    {"t", "nodes": [...], "word": "set", "why": ""}       these nodes are now so
    {"t", "wave": 2}                                      a wave begins (from 1)
    {"t", "judged": 2, "good": true, "why": "..."}        it is over
    {"t", "back": why}                                    all go back from here on
    {"t", "end": "done", "why": "..."}                    it is over
    {"t", "note": text}                                   what concerns no single node

A line is written before what it announces (setting, draining, sending), or after what it reports (all others).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sbkernel.rollout.waves.plan import RolloutPlan

Word = Literal[
    "waiting", "held", "setting", "set", "draining", "sending", "booting", "up", "failed", "set back", "back"
]  # fmt: skip
WORDS: Mapping[Word, str] = {
    "waiting": "its turn has not come",
    "held": "somebody holds it: left alone",
    "setting": "its boot files are being changed",
    "set": "its boot files name the version",
    "draining": "the scheduler is asked to free it",
    "sending": "its boot is being sent",
    "booting": "it boots",
    "up": "it runs the version",
    "failed": "it does not run what it should",
    "set back": "its boot files name what it booted before",
    "back": "it has what it had before",
}
"""What is said of a node, in the order in which it comes to that."""
OPEN: frozenset[Word] = frozenset({"setting", "set", "draining", "sending", "booting", "set back"})
"""Words of nodes that are under way."""
DONE, BACK, STOPPED = "done", "went back", "stopped"
Event = Mapping[str, Any]


@dataclass
class NodeProgress:
    """One node: `since` when its word holds, `asked` since when its boot counts, in seconds since the epoch.

    `trouble` is why it failed, whatever has become of it since. `is_set`, `sent` and `returned` tell what was done to
    it: its boot files were changed or may have been, its boot was sent or seen, its boot files were changed back.
    """

    node: str
    wave: int
    word: Word = "waiting"
    since: float = 0.0
    why: str = ""
    trouble: str = ""
    asked: float = 0.0
    is_set: bool = False
    sent: bool = False
    returned: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "node": self.node, "wave": self.wave, "word": self.word, "since": self.since, "why": self.why,
            "trouble": self.trouble,
        }  # fmt: skip

    def __str__(self) -> str:
        said = "; ".join(dict.fromkeys(filter(None, (self.why, self.trouble))))
        return f"{self.node}: {self.word}" + (f": {said}" if said else "")


@dataclass(frozen=True)
class Judged:
    """What was said of a wave when it was over."""

    good: bool
    why: str


@dataclass
class Progress:
    """A roll-out as it stands."""

    plan: RolloutPlan
    nodes: dict[str, NodeProgress] = field(default_factory=dict)
    wave: int = 0
    judged: dict[int, Judged] = field(default_factory=dict)
    back: str | None = None
    """Why all go back; None: they do not."""
    end: str = ""
    why: str = ""
    notes: list[str] = field(default_factory=list)
    t: float = 0.0

    def __post_init__(self) -> None:
        for number, wave in enumerate(self.plan.waves, 1):
            self.nodes |= {node: NodeProgress(node, number) for node in wave.nodes}

    def apply(self, event: Event) -> None:
        """Take in what has happened."""
        self.t = float(event.get("t", self.t))
        if "word" in event:
            for node in event.get("nodes", ()):
                if node in self.nodes:
                    self._node(self.nodes[node], event["word"], str(event.get("why", "")))
        elif "wave" in event:
            self.wave = int(event["wave"])
        elif "judged" in event:
            self.judged[int(event["judged"])] = Judged(bool(event.get("good")), str(event.get("why", "")))
        elif "back" in event:
            self.back = str(event["back"])
        elif "end" in event:
            self.end, self.why = str(event["end"]), str(event.get("why", ""))
        elif "note" in event:
            self.notes.append(str(event["note"]))

    def of(self, number: int) -> list[NodeProgress]:
        """Return the nodes of a wave."""
        return [self.nodes[node] for node in self.plan.waves[number - 1].nodes]

    def counts(self, number: int = 0) -> dict[Word, int]:
        """Return how many nodes there are of each word, in a wave or in all."""
        counted = Counter(one.word for one in (self.of(number) if number else self.nodes.values()))
        return {word: counted[word] for word in WORDS if counted[word]}

    def failed(self, number: int) -> tuple[int, int]:
        """Return how many nodes of a wave have failed, and how many were or will be tried."""
        words = [one.word for one in self.of(number)]
        return words.count("failed"), len(words) - words.count("held")

    @property
    def is_good(self) -> bool:
        """Tell whether it is done, and every node that nobody holds runs the version."""
        return self.end == DONE and set(self.counts()) <= {"up", "held"}

    def _node(self, one: NodeProgress, word: Word, why: str) -> None:
        if word == "sending" or (word == "booting" and one.word != "sending"):
            one.asked = self.t
        if one.word == "setting":
            one.is_set = word != "failed"  # what cannot be set has the boot files that it had
        one.word, one.since, one.why = word, self.t, why
        one.is_set |= word in ("setting", "set")
        one.sent |= word in ("booting", "up")
        one.returned |= word == "set back"
        if word == "failed":
            one.trouble = one.trouble or why


def progress(plan: RolloutPlan, events: Iterable[Event]) -> Progress:
    """Return how far a roll-out is after these events."""
    found = Progress(plan)
    for event in events:
        found.apply(event)
    return found
