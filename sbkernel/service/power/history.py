"""Read the record of power changes: who did what to which nodes, from where, what came out, and what was cut short."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.ranges.noderange import expand, names
from sbkernel.definitions.ranges.universe import NodeUniverse
from sbkernel.service.endpoint import Endpoint, holder
from sbkernel.service.power.log import DONE, folder
from sbkernel.site import Site
from sbkernel.units import seconds

if TYPE_CHECKING:
    import pandas as pd

RUNNING = "running"
CUT = "no end: the service died"


@dataclass
class OnNode:
    """What an action did on one node: its power before and after, or what it boots next; "" where it is not known."""

    before: str = ""
    after: str = ""
    sent: str = ""
    """The change that was sent; "": none."""
    ok: bool = False
    text: str = "not sent"


@dataclass
class PowerAction:
    """One action of rpower or rsetboot."""

    run: str
    t: float
    """When it began, in seconds since the epoch."""
    user: str
    origin: str
    noderange: str
    """As it was typed."""
    nodes: str
    """The nodes that it named then, folded."""
    verb: str
    action: str
    options: Mapping[str, Any]
    crossed: str
    """Held nodes whose holds were crossed, folded."""
    state: str = field(default=CUT, init=False)
    seconds: float | None = field(default=None, init=False)
    on: dict[str, OnNode] = field(default_factory=dict, init=False)

    @property
    def names(self) -> list[str]:
        """The names of its nodes."""
        return expand(self.nodes) if self.nodes else []


def power_actions(site: Site, noderange: str = "", last: int = 0) -> list[PowerAction]:
    """Return the actions on power and boot devices, oldest first; only those on any node of `noderange`, only the last.

    What lines of a full disk or a crash cannot be read is left out.
    """
    wanted = set(names(noderange, NodeUniverse(site.store))) if noderange else None  # of nodes that are gone, too
    service = holder(Endpoint(site.run).lock)
    found: list[PowerAction] = []
    for path in sorted(folder(site).glob("*.jsonl"), reverse=True):
        with path.open(errors="replace") as lines:
            actions = list(_read(lines, service))
        found[:0] = [one for one in actions if wanted is None or not wanted.isdisjoint(one.names)]
        if last and len(found) >= last:
            break
    return found[-last:] if last else found


def power_history(site: Site, noderange: str = "", last: int = 0) -> pd.DataFrame:
    """Return what `sb history --power` lists as a DataFrame: a row for each node of each action."""
    import pandas as pd

    rows = [
        {
            "run": one.run,
            "time": datetime.fromtimestamp(one.t).astimezone().replace(microsecond=0),
            "user": one.user,
            "origin": one.origin,
            "noderange": one.noderange,
            "verb": one.verb,
            "action": one.action,
            "options": " ".join(f"{key}={value}" for key, value in one.options.items()),
            "node": name,
            "hold_crossed": name in set(expand(one.crossed) if one.crossed else ()),
            "before": what.before,
            "sent": what.sent,
            "after": what.after,
            "ok": what.ok,
            "result": what.text,
            "state": one.state,
            "seconds": one.seconds,
        }
        for one in power_actions(site, noderange, last)
        for name, what in one.on.items()
    ]
    return pd.DataFrame(rows)


def lines(action: PowerAction, *, is_long: bool = False) -> Iterator[str]:
    """Yield an action as text: a line, and with `is_long` one for the nodes of each outcome."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(action.t))
    options = "".join(f" {key}={value}" for key, value in action.options.items())
    took = f", {seconds(action.seconds)}" if action.seconds is not None else ""
    state = "" if action.state == DONE else f"; {action.state}"
    crossed = f"; crossed the hold of {action.crossed}" if action.crossed else ""
    yield (
        f"{when}  {action.user}  {action.verb} {action.noderange} {action.action}{options}: "
        f"{_counts(action)}{took}{state}{crossed}  ({action.origin})"
    )
    if is_long:
        alike: dict[str, list[str]] = {}
        for name, what in action.on.items():
            alike.setdefault(_outcome(what), []).append(name)
        yield from (f"    {fold(names)}  {text}" for text, names in alike.items())


def _outcome(what: OnNode) -> str:
    power = " -> ".join(filter(None, (what.before, what.sent and f"sent {what.sent}", what.after)))
    return f"{power}: {what.text}" if power else what.text


def _counts(action: PowerAction) -> str:
    ok = sum(what.ok for what in action.on.values())
    untouched = sum(not what.ok and not what.sent and what.text.startswith("not sent") for what in action.on.values())
    failed = len(action.on) - ok - untouched
    parts = ((ok, "ok"), (failed, "failed"), (untouched, "to come" if action.state == RUNNING else "not touched"))
    return f"{len(action.on)} nodes: " + ", ".join(f"{count} {word}" for count, word in parts if count)


def _read(lines: Iterable[str], service: int | None) -> Iterator[PowerAction]:
    """Yield the actions of a file. One without an end runs as long as the service does that began it."""
    found: dict[str, PowerAction] = {}
    for line in filter(None, map(_parsed, lines)):
        run = str(line.get("run"))
        if isinstance(begin := line.get("begin"), dict):
            found[run] = _begun(run, float(line["t"]), begin, service)
        elif run in found:
            _add(found[run], line)
    for action in found.values():
        if action.state == CUT:
            for what in action.on.values():
                if what.sent and what.text == OnNode.text:
                    what.text = "sent, and the service died before it had an answer"
    yield from found.values()


def _begun(run: str, t: float, begin: Mapping[str, Any], service: int | None) -> PowerAction:
    texts = {key: str(begin.get(key, "")) for key in ("user", "noderange", "nodes", "verb", "action", "crossed")}
    options = begin.get("options") or {}
    action = PowerAction(run=run, t=t, origin=str(begin.get("from", "")), options=options, **texts)
    action.on = {name: OnNode() for name in action.names}
    if service is not None and begin.get("pid") == service:
        action.state = RUNNING
    return action


def _add(action: PowerAction, line: Mapping[str, Any]) -> None:
    if "end" in line:
        action.state, action.seconds = str(line["end"]), round(float(line["t"]) - action.t, 3)
        return
    what = action.on.setdefault(str(line.get("node")), OnNode())
    what.before = str(line.get("before", what.before))
    if "sent" in line:
        what.sent = str(line["sent"])
    else:
        what.ok, what.text, what.after = bool(line.get("ok")), str(line.get("text")), str(line.get("after", ""))


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and isinstance(parsed.get("t"), (int, float)) else None
