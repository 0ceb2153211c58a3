"""Which nodes are not well, and why: what was written down of their boots is read and judged (netboot/diagnosis)."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.definition import Definition
from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import parse
from sbkernel.netboot import bootlog
from sbkernel.netboot.diagnosis.diagnose import diagnose
from sbkernel.netboot.diagnosis.seen import WRONG, ConsoleEnd, Diagnosis, Seen
from sbkernel.netboot.diagnosis.usual import Usual, attempts, usual
from sbkernel.service.client import Service
from sbkernel.service.console.conlog import end_of, place_of
from sbkernel.service.console.plaintext import plain
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

_GLANCE = 4 * 1024
_GLANCED = 12
_LAST_BOOTS = 8 * 1024
_BOOTS = 32 * 1024
_CONSOLE = 8 * 1024
_SAMPLE = 48
_AFTER_BOOT = frozenset({"userspace", "login", "postscripts", "syncfiles", "postscript", "booted"})
_LOCAL = frozenset({"boot", "offline"})
_COLUMNS = ("node", "state", "stage", "since", "waited_s", "usual_s", "p95_s", "cause", "detail", "do", "evidence")


@dataclass(frozen=True)
class Stuck:
    """What is to be said of some nodes: one diagnosis each, in their order."""

    nodes: tuple[Diagnosis, ...]

    @cached_property
    def not_well(self) -> tuple[Diagnosis, ...]:
        """Return the nodes that somebody should look at; a slow one may still come up."""
        return tuple(one for one in self.nodes if not one.is_well)

    @property
    def wrong(self) -> bool:
        """Tell whether a node is stuck, has failed or is up with something missing."""
        return any(one.state in WRONG for one in self.not_well)

    @property
    def summary(self) -> str:
        """Return how many nodes there are of each state, such as `4998 well, 2 stuck`."""
        counts = Counter(one.state for one in self.nodes)
        return ", ".join(f"{count} {state}" for state, count in counts.most_common())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {"summary": self.summary, "not_well": [one.as_dict() for one in self.not_well]}

    @property
    def df(self) -> pd.DataFrame:
        """Return a row for each node that is not well; times are in seconds, `since` from the epoch."""
        import pandas as pd

        rows = [{**one.as_dict(), "evidence": "\n".join(map(str, one.evidence))} for one in self.not_well]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def __str__(self) -> str:
        return "\n".join(map(str, self.not_well)) or f"nothing is stuck: {self.summary or 'no nodes'}"


def stuck(site: Site, nodes: str | Sequence[str] = "", *, ask_power: bool = False) -> Stuck:
    """Return where the boots of nodes stand, and why those that are not well do not go on.

    `nodes` is a noderange or names, all nodes if it is empty. With `ask_power` those that do not go on are asked
    whether they have power. Raises NotFoundError for a name that is no node.
    """
    names = site.noderange(nodes) if isinstance(nodes, str) and nodes else list(nodes or site.nodes)
    looks = BootLooks(site)
    found = looks.at(names)
    waiting = [one.node for one in found.nodes if one.state in ("slow", "stuck")]
    if not ask_power or not waiting:
        return found
    again = {one.node: one for one in looks.at(waiting, power=_power_of(site, waiting)).nodes}
    return Stuck(tuple(again.get(one.node, one) for one in found.nodes))


class BootLooks:
    """Look at boots of a site, as often as one likes; how long they usually take is measured once for each image.

    The cost is a short read for each node, and bounded reads of the logs of a node that is not well.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._logs = site.log / "boot"
        self._usual: dict[str, Mapping[str, Usual]] = {}

    def at(self, nodes: Sequence[str], *, power: Mapping[str, str] | None = None, now: float | None = None) -> Stuck:
        """Return a diagnosis for each node; `power` is what hardware has answered, `now` the time, else the clock's."""
        moment = time.time() if now is None else now
        found = self._site.nodes.many(nodes)
        definitions = (found.get(name) or self._site.nodes[name] for name in nodes)
        return Stuck(tuple(self._one(node, (power or {}).get(node.name, ""), moment) for node in definitions))

    def _one(self, node: Definition, power: str, now: float) -> Diagnosis:
        has_console = bool(node.peek("cons"))
        glance = bootlog.read_end(self._site, node.name, _GLANCE, _GLANCED)
        off = node.peek("status") == "powering-off"
        if not off and not power and glance and _is_up(glance, has_console):
            return Diagnosis(node.name, "well", glance[-1]["stage"], glance[-1]["t"], max(0.0, now - glance[-1]["t"]))
        events = bootlog.read_end(self._site, node.name, _LAST_BOOTS) if glance else []
        console, line = self._console(node.name, events) if has_console and events else (ConsoleEnd(), "")
        seen = Seen(
            node.name, events, self._place(bootlog.path(self._site, node.name)) if events else "", console, line, power,
            ordered_off=off, netboots=node.peek("currstate") not in _LOCAL,
        )  # fmt: skip
        return diagnose(seen, self.usual_of(node) if events else {}, now)

    def _console(self, node: str, events: Sequence[bootlog.BootEvent]) -> tuple[ConsoleEnd, str]:
        """Return what the console has shown since the last boot began, and the state of its line."""
        directory = self._site.consoles
        path = directory / f"{node}.log"
        begin, line = place_of(directory, node, attempts(events)[-1][0]["t"])
        start, raw, changed = end_of(path, _CONSOLE)
        raw = raw[max(0, begin - start) :]
        start = max(start, begin)
        if not raw:
            return ConsoleEnd(self._place(path)), line
        return ConsoleEnd(self._place(path), start, raw, plain(raw), changed), line

    def _place(self, path: Path) -> str:
        """Return a path as one reads it: within the site, if it lies there."""
        return str(path.relative_to(self._site.root) if path.is_relative_to(self._site.root) else path)

    def usual_of(self, node: Definition) -> Mapping[str, Usual]:
        """Return how long boots of a node's image usually stay at each stage."""
        image = parse(node.peek("provmethod")).image
        if image not in self._usual:
            digests = self._digests(image)
            names = itertools.chain([node.name], self._sample())
            self._usual[image] = usual(self._earlier(names), digests)
        return self._usual[image]

    def _digests(self, image: str) -> frozenset[str]:
        """Return the versions that an image has had."""
        try:
            moves = Catalog(self._site).pointers(image).history if image else ()
        except SbkernelError:
            moves = ()
        return frozenset(move.digest for move in moves)

    def _sample(self) -> list[str]:
        """Return some nodes that have booted, evenly out of all."""
        with os.scandir(self._logs) as entries:
            names = sorted(one.name.removesuffix(".jsonl") for one in entries if one.name.endswith(".jsonl"))
        return names[:: max(1, len(names) // _SAMPLE)]

    def _earlier(self, names: Iterable[str]) -> Iterator[Sequence[bootlog.BootEvent]]:
        for name in dict.fromkeys(names):
            yield from attempts(bootlog.read_end(self._site, name, _BOOTS))


def _is_up(events: Sequence[bootlog.BootEvent], has_console: bool) -> bool:
    """Tell from its last events whether a node is up and nothing was said against it."""
    after = list(itertools.takewhile(lambda event: event["stage"] in _AFTER_BOOT, reversed(events)))
    stages = {event["stage"] for event in after}
    wanted = {"userspace", *(["login"] if has_console else []), *(["booted"] if "postscripts" in stages else [])}
    return wanted <= stages and not any(event.get("failed") for event in after)


def _power_of(site: Site, nodes: Sequence[str]) -> dict[str, str]:
    """Return what the hardware of each node says: on, off, or why it says nothing."""
    answers = Service(site).call("rpower", nodes=list(nodes), action="stat")
    return {str(answer["node"]): str(answer["text"]) for answer in answers}
