"""In which state each of many nodes is, in one word, and what has changed since somebody looked last."""

from __future__ import annotations

import heapq
import math
import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold_of
from sbkernel.definitions.ranges.fold import fold
from sbkernel.service.stuck import BootLooks
from sbkernel.service.watcher import Changes, News
from sbkernel.site import Site

UP, BOOTING, STUCK, FAILED, OFF, UNKNOWN = STATES = ("up", "booting", "stuck", "failed", "off", "unknown")
WRONG = (STUCK, FAILED)
_LOOK_AT_BOOTS_S = 10.0
_AT_ONCE = 100
"""A look at a boot takes half a millisecond: of thousands, some are looked at each time."""
# xCAT's words for status, and those of nodestat -u, of which the first letters tell enough.
_WORDS: Mapping[str, str] = {
    "booted": UP, "ping": UP, "alive": UP, "sshd": UP, "powering-on": BOOTING, "netbooting": BOOTING,
    "booting": BOOTING, "postbooting": BOOTING, "installing": BOOTING, "standingby": BOOTING, "configuring": BOOTING,
    "failed": FAILED, "powering-off": OFF, "off": OFF, "noping": OFF, "unreachable": OFF, "nosuchhost": UNKNOWN,
}  # fmt: skip
_NUMBER = re.compile(r"(\d{1,15})", re.ASCII)
_NO_GROUP = ("all",)


class NodeState(NamedTuple):
    """The state of a node, one of STATES; whether somebody holds it; where it stands: its rack, or a group."""

    state: str
    held: bool = False
    place: str = ""


def state_of(node: Definition, by: str = "rack") -> NodeState:
    """Return the state that the status of a node tells. `by` is the attribute that says where it stands."""
    word = node.peek("status").partition("(")[0].strip()
    state = _WORDS.get(word, UNKNOWN if not word else BOOTING if word.startswith("install") else UNKNOWN)
    names = (name.strip() for name in node.peek(by).split(","))
    place = next((name for name in names if name and name not in _NO_GROUP), "")
    return NodeState(state, hold_of(node) is not None, place)


class NodeStates(dict[str, NodeState]):
    """The state of each node of a noderange, by its name; `look` brings it up to date.

    A look while nothing has changed costs one question to the store. The logs of the nodes that are booting are
    looked at every ten seconds or, of thousands, by turns, for those that are stuck. An empty noderange means all
    nodes.
    """

    def __init__(self, site: Site, noderange: str = "", *, by: str = "rack") -> None:
        super().__init__()
        self._site, self._noderange, self._by = site, noderange, by
        self._changes = Changes(site)
        self._boots = BootLooks(site)
        self._look_again = 0.0
        self._pending: News | None = None
        self._stuck: frozenset[str] = frozenset()
        self._seen: dict[str, float] = {}
        self._plain: dict[str, NodeState] = {}
        self.look()

    def look(self) -> bool:
        """Read what has changed; return whether a state or a name did. NotFoundError if a name is no node now."""
        news = self._changes.read()
        if news is not None:
            self._pending = self._pending.then(news) if self._pending else news
        if self._pending is None and not self._is_time():
            return False
        if self._pending is not None:
            self._take(self._pending)
            self._pending = None  # not before it was taken in: what fails comes again
        if self._is_time():
            self._look_at_boots()
        now = [(name, self._told(name, one)) for name, one in self._plain.items()]
        changed = now != [*self.items()]
        self.clear()
        self.update(now)
        return changed

    def _take(self, news: News) -> None:
        names = self._site.noderange(self._noderange) if self._noderange else list(self._site.nodes)
        fresh = [name for name in names if news.everything or name in news.nodes or name not in self._plain]
        read = {name: state_of(node, self._by) for name, node in self._site.nodes.many(fresh).items()}
        known = {**self._plain, **read}
        self._plain = {name: known[name] for name in names if name in known}

    @property
    def places(self) -> dict[str, list[str]]:
        """Return the nodes of each place, in the order of their names."""
        found: dict[str, list[str]] = {}
        for name, one in self.items():
            found.setdefault(one.place, []).append(name)
        return {place: found[place] for place in sorted(found, key=_by_number)}

    @property
    def counts(self) -> dict[str, int]:
        """Return how many nodes there are of each state that there is."""
        counted = Counter(one.state for one in self.values())
        return {state: counted[state] for state in STATES if counted[state]}

    def of(self, state: str) -> list[str]:
        """Return the nodes of a state."""
        return [name for name, one in self.items() if one.state == state]

    @property
    def summary(self) -> str:
        """Return the counts as text: `4998 up, 2 failed, 3 held`."""
        counted = [f"{count} {state}" for state, count in self.counts.items()]
        held = sum(one.held for one in self.values())
        return ", ".join([*counted, *([f"{held} held"] if held else [])]) or "no nodes"

    def __str__(self) -> str:
        """Return a line for each state, with its nodes."""
        return "\n".join([self.summary, *(f"{state}: {fold(self.of(state))}" for state in self.counts)])

    def _told(self, name: str, plain: NodeState) -> NodeState:
        return plain._replace(state=STUCK) if plain.state == BOOTING and name in self._stuck else plain

    def _is_time(self) -> bool:
        return time.monotonic() >= self._look_again

    def _look_at_boots(self) -> None:
        """Look at the boots that were looked at longest ago: the first time at all, later at some at once."""
        now = time.monotonic()
        booting = [name for name, one in self._plain.items() if one.state == BOOTING]
        seen = {name: self._seen.get(name, -math.inf) for name in booting}
        turn = heapq.nsmallest(_AT_ONCE if self._seen else len(booting), booting, key=seen.__getitem__)
        turn = [name for name in turn if seen[name] <= now - _LOOK_AT_BOOTS_S]
        found = self._boots.at(turn).nodes if turn else ()
        others = self._stuck.intersection(booting).difference(turn)
        self._stuck = others | {one.node for one in found if one.state in WRONG}
        self._seen = {**seen, **dict.fromkeys(turn, now)}
        self._look_again = min(self._seen.values(), default=now) + _LOOK_AT_BOOTS_S


def node_states(site: Site, noderange: str = "", *, by: str = "rack") -> NodeStates:
    """Return the state of each node; of all if no noderange is given. NotFoundError for a name that is no node."""
    return NodeStates(site, noderange, by=by)


def _by_number(place: str) -> tuple[object, ...]:
    """Sort rack2 before rack10, and what stands nowhere last."""
    parts = _NUMBER.split(place)
    return (not place, [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts])
