"""Boot nodes through the service, at its pace, beside whoever watches them; and look up what was sent."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import cast

from sbkernel.definitions.store.journal import user
from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.netboot import bootlog
from sbkernel.nodes.results import NodeResult
from sbkernel.rollout.waves.boots import SLACK_S
from sbkernel.service.client import Service
from sbkernel.service.power.history import RUNNING, power_actions
from sbkernel.service.power.safety import STARTING, touched
from sbkernel.service.protocol import Message
from sbkernel.site import Site

_ACTION = "boot"
_ENDS_WITHIN_S = 120.0
_LOOK_S = 0.2


class PowerSending:
    """One request to boot nodes, in a thread; a node whose command is on its way is followed to its answer."""

    def __init__(self, site: Site, nodes: Sequence[str], origin: str, pace: str) -> None:
        self._root, self._nodes, self._origin, self._pace = site.root, list(nodes), origin, pace
        self._results: deque[NodeResult] = deque()
        self._error: BaseException | None = None
        self._run = ""
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="boots", daemon=True)
        self._thread.start()

    def results(self) -> list[NodeResult]:
        """Return what came out since it was last asked. Raises what stopped the sending."""
        ended = not self._thread.is_alive()  # asked first: all results are there then
        found = [self._results.popleft() for _ in range(len(self._results))]
        if ended and self._error is not None:
            error, self._error = self._error, None
            raise error
        return found

    @property
    def done(self) -> bool:
        """Tell whether all results were handed out."""
        return not self._thread.is_alive() and not self._results and self._error is None

    def stop(self) -> list[NodeResult]:
        """Send nothing more, and return the other results."""
        self._is_stopped.set()
        self._cancel()
        self._thread.join()
        return self.results()

    def _work(self) -> None:
        try:
            with Site.open(self._root) as site:  # threads cannot share a store
                self._ask(site)
        except BaseException as error:
            self._error = error

    def _ask(self, site: Site) -> None:
        service = Service(site)
        free = touched(site.nodes.many(self._nodes), self._nodes, override_hold=False)
        about = {"action": _ACTION, "confirm": len(free), "abort": "none", "rate": self._pace or None}
        asked = {"nodes": self._nodes, "user": user(), "origin": self._origin}
        with closing(cast("Generator[Message, None, None]", service.call("rpower", **asked, **about))) as answers:
            for answer in answers:
                if "run" in answer:
                    self._run = str(answer["run"])
                    if self._is_stopped.is_set():
                        self._cancel()
                if "node" in answer:
                    untouched = bool(answer.get("untouched"))
                    said = (str(answer["node"]), bool(answer["ok"]), str(answer["text"]), answer["hint"], untouched)
                    self._results.append(NodeResult(*said))

    def _cancel(self) -> None:
        if self._run:
            with Site.open(self._root) as site:
                list(Service(site).call("cancel", run=self._run, user=user()))


def was_sent(site: Site, since: Mapping[str, float], origin: str) -> set[str]:
    """Return to which nodes a boot went out, each since a time, as the record of power and the boot logs tell.

    The record has its line before a command goes out. A request that still runs, as only its client was killed, is
    waited for; it sends nothing more. Raises ServiceError when it does not end.
    """
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while True:
        earliest = min(since.values())
        actions = [one for one in power_actions(site) if one.t >= earliest - 1 and one.action in STARTING]
        if not any(one.state == RUNNING and one.origin == origin for one in actions):
            break
        if time.monotonic() > deadline:
            raise ServiceError("boots of this roll-out are still being sent", hint="sb history --power")
        time.sleep(_LOOK_S)
    found = {
        node
        for one in actions
        for node, what in one.on.items()
        if what.sent and node in since and (one.origin == origin or one.t >= since[node] - SLACK_S)
    }
    return found | {node for node, t in since.items() if node not in found and _powered_on(site, node, t)}


def _powered_on(site: Site, node: str, since: float) -> bool:
    try:
        events = bootlog.read(site, node)
    except SbkernelError:
        return False
    return bool(events) and events[0]["stage"] == "power-on" and events[0]["t"] >= since - SLACK_S
