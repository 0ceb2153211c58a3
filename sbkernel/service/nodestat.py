"""xCAT's nodestat: which nodes answer, and which of their services do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sbkernel.netboot import bootlog
from sbkernel.netboot.timeline import StageRow, timeline
from sbkernel.nodes.remote.probe import TIMEOUT_S, Answer, services
from sbkernel.nodes.remote.xdsh import Nodes, named
from sbkernel.nodes.ssh import address_of
from sbkernel.service import verbs
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class NodeState:
    """What is known of a node: `word` in xCAT's words, such as sshd, ping, noping, and how far its last boot got."""

    node: str
    word: str
    status: str
    """What -u writes: ping, or noping, with the power in brackets if it was asked."""
    services: str
    """sshd=up,pbs=down."""
    stage: str = ""
    seconds: float = 0.0
    since: str = ""
    time: float = 0.0
    detail: str = ""


class NodeStates(dict[str, NodeState]):
    """The state of each node, by its name."""

    def frame(self) -> pd.DataFrame:
        """Return them as a DataFrame, with the fields of NodeState as columns."""
        import pandas as pd

        names = [one.name for one in fields(NodeState)]
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.values()], columns=names)


def nodestat(
    site: Site, nodes: Nodes, *, power: bool = False, update: bool = False, timeout_s: float = TIMEOUT_S
) -> NodeStates:
    """Return the state of nodes, by name; all are asked at once, and each may take `timeout_s`.

    `power` asks for the power of those that do not answer (-p); `update` writes status and appstatus of the nodes (-u).
    Raises NotFoundError for an unknown node.
    """
    names = named(site, nodes)
    found = services({name: address_of(node) for name, node in site.nodes.many(names).items()}, timeout_s)
    states = NodeStates({name: _state(site, name, found[name]) for name in names})
    silent = [name for name, one in states.items() if one.status == "noping"]
    if power and silent:
        for result in verbs.rpower_each(site, silent, "stat"):
            word = f"noping({result.text})"
            states[result.node] = replace(states[result.node], word=word, status=word)
    if update:
        _update(site, states)
    return states


def _state(site: Site, node: str, answer: Answer) -> NodeState:
    up = ",".join(sorted(name for name, is_up in answer.services.items() if is_up))
    status = "ping" if answer.alive else "noping" if answer.known else "nosuchhost"
    apps = ",".join(f"{name}={'up' if is_up else 'down'}" for name, is_up in sorted(answer.services.items()))
    rows = timeline(bootlog.read(site, node))
    return NodeState(node, up or status, status, apps, **_boot(rows))  # type: ignore[arg-type]


def _boot(rows: list[StageRow]) -> dict[str, object]:
    """Return how far a node got when it booted last: the last stage, and when since the first one."""
    if not rows:
        return {}
    first, last = rows[0], rows[-1]
    detail = last.detail if last.stage == "failed" else ""
    return {"stage": last.stage, "seconds": last.seconds, "since": first.stage, "time": last.time, "detail": detail}


def _update(site: Site, states: Mapping[str, NodeState]) -> None:
    now = time.strftime("%m-%d-%Y %H:%M:%S")
    with site.store.write("nodestat") as transaction:
        for node, values in transaction.get_many("node", list(states)).items():
            one = states[node]
            changed = {**values, "appstatus": one.services, "appstatustime": now}
            if one.status != values.get("status"):
                changed |= {"status": one.status, "statustime": now}
            transaction.put("node", node, changed)
