"""The verbs rpower and rsetboot inside the service: fan out, and note what really happened to each node."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold_of, refuse_held
from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import SbkernelError
from sbkernel.nodes.fanout import Heard, fan_out
from sbkernel.nodes.methods import Hardware
from sbkernel.nodes.power import Power
from sbkernel.nodes.rpower import asks, decide
from sbkernel.nodes.rsetboot import check_device, override, rsetboot
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.console.consoles import Consoles
from sbkernel.service.control import Verb
from sbkernel.service.localnodes import LocalNodes
from sbkernel.service.power.bootrun import BootRun
from sbkernel.service.power.hands import PowerHands
from sbkernel.service.power.log import PowerLog
from sbkernel.service.power.pace import Pacer
from sbkernel.service.power.run import GIVEN_UP, PowerRun, Run
from sbkernel.service.power.safety import STARTING, Care, care_of, check_count, domain_of, touched
from sbkernel.service.protocol import Message
from sbkernel.site import Site
from sbkernel.units import seconds

_LONG_S = 5.0
_OPTIONS = ("confirm", "rate", "canary", "until", "within", "abort", "override_hold", "persistent", "uefi")
_WORD, _LONG = 200, 4000


class PowerVerbs:
    """Power and boot device of nodes."""

    def __init__(
        self, site: Site, hardware: Hardware, consoles: Consoles, virtual: LocalNodes, progress: BootProgress
    ) -> None:
        self._site = site
        self._hardware = hardware
        self._consoles = consoles
        self._virtual = virtual
        self._hands = PowerHands(site, consoles, progress)
        self._pacer = Pacer()
        self._runs: dict[str, Run] = {}

    def verbs(self) -> dict[str, Verb]:
        """Return the verbs by name."""
        return {"rpower": self.rpower, "rsetboot": self.rsetboot, "cancel": self.cancel}

    async def rpower(self, request: Message) -> AsyncIterator[Message]:
        """Carry out `action` on `noderange`; one message a node. `confirm` is the count for mass changes."""
        nodes, action = self._nodes(request), str(request.get("action"))
        if asks(action):
            powers, ask = await self._powers(nodes), functools.partial(_ask, action)
            async for result in fan_out(powers, lambda power: self._say(power, action), ask=ask):
                yield dict(vars(result))
            return
        settings = self._site.store.get("site", SITE) or {}
        definitions = await asyncio.to_thread(self._site.nodes.many, nodes)
        free = touched(definitions, nodes, bool(request.get("override_hold")))
        check_count(action, free, request.get("confirm"), len(nodes) - len(free))
        care = care_of(request, settings, len(free))
        attribute = settings.get("powerdomain") or "rack"
        domains = {name: domain_of(definitions[name], attribute) if name in definitions else "" for name in free}
        log = self._log("rpower", request, nodes, definitions)
        run = PowerRun(action, care, domains, self._pacer, log, self._hands)
        refused = self._refused(nodes, definitions, free, "rpower")
        note = self._expectation(action, care, domains)
        async with aclosing(self._through(run, log, refused, free, note)) as messages:  # type: ignore[type-var]
            async for message in messages:
                yield message

    async def cancel(self, request: Message) -> AsyncIterator[Message]:
        """Stop a run before it sends anything more; it then ends by itself."""
        if run := self._runs.get(str(request.get("run"))):
            run.stop(f"stopped by {str(request.get('user'))[:_WORD]}")
            yield {"stopped": True}

    async def rsetboot(self, request: Message) -> AsyncIterator[Message]:
        """Set or show the next boot device of `noderange`; one message a node."""
        nodes, device = self._nodes(request), str(request.get("action"))
        check_device(device)
        if device == "stat":
            async for result in fan_out(await self._powers(nodes), self._boot):
                yield dict(vars(result))
            return
        definitions = await asyncio.to_thread(self._site.nodes.many, nodes)
        free = touched(definitions, nodes, bool(request.get("override_hold")))
        care = care_of(request, {}, len(free))
        wanted = override(device, persistent=bool(request.get("persistent")), uefi=bool(request.get("uefi")))
        log = self._log("rsetboot", request, nodes, definitions)
        run = BootRun(device, wanted, care, len(free), log, self._hands.there)
        refused = self._refused(nodes, definitions, free, "rsetboot")
        async with aclosing(self._through(run, log, refused, free)) as messages:  # type: ignore[type-var]
            async for message in messages:
                yield message

    async def _boot(self, power: Power) -> str:
        await self._hands.there(power)
        return await rsetboot(power, "stat")

    async def _through(
        self, run: Run, log: PowerLog, refused: Mapping[str, SbkernelError], free: list[str], note: str = ""
    ) -> AsyncIterator[Message]:
        """Carry a run out; the first message tells how to stop it."""
        self._runs[log.run] = run
        try:
            yield {"run": log.run, "note": note}
            targets = {**refused, **await self._powers(free)}
            async with aclosing(run.results(targets)) as results:  # type: ignore[type-var]
                async for result in results:
                    yield dict(vars(result))
            if log.trouble:
                yield {"note": f"this is not in the power log: {log.trouble}"}
        finally:
            del self._runs[log.run]
            log.end(GIVEN_UP)  # if it has not come to its end

    async def _say(self, power: Power, action: str) -> str:
        return decide(action, await self._hands.state(power))[1]

    def _log(self, verb: str, request: Message, nodes: list[str], definitions: Mapping[str, Definition]) -> PowerLog:
        """Begin the record of a request; who asks says who they are, and the socket lets in nobody else's processes."""
        held = [name for name, one in definitions.items() if hold_of(one)]
        options = {key: request[key] for key in _OPTIONS if request.get(key) not in (None, False, "")}
        about = {
            "user": str(request.get("user") or "unknown")[:_WORD],
            "from": str(request.get("origin") or "unknown")[:_WORD],
            "noderange": str(request.get("asked") or request.get("noderange") or fold(nodes))[:_LONG],
            "nodes": fold(nodes),
            "verb": verb,
            "action": str(request.get("action"))[:_WORD],
            "options": options,
            "crossed": fold(held) if request.get("override_hold") else "",
        }
        return PowerLog(self._site, about)

    def _refused(
        self, nodes: list[str], definitions: Mapping[str, Definition], free: list[str], verb: str
    ) -> dict[str, SbkernelError]:
        refused: dict[str, SbkernelError] = {}
        for name in set(nodes) - set(free):
            try:
                refuse_held(definitions[name], verb)
            except SbkernelError as error:
                refused[name] = error
        return refused

    def _expectation(self, action: str, care: Care, domains: Mapping[str, str]) -> str:
        """Say how long the nodes take that may have to be started, if that is long."""
        expected_s = care.pace.seconds(domains.values()) if action in STARTING else 0.0
        if expected_s < _LONG_S:
            return ""
        waiting = self._pacer.waiting()
        others = f", after {waiting} that wait already" if waiting else ""
        return f"up to {seconds(expected_s)} for {len(domains)} nodes: {care.pace}{others} (--rate changes that)"

    def _nodes(self, request: Message) -> list[str]:
        """Return the nodes of a request: those it names one by one, or those of its noderange as it is now."""
        if "nodes" in request:
            return list(dict.fromkeys(str(name) for name in request["nodes"]))
        return self._site.noderange(str(request.get("noderange")))

    async def _powers(self, nodes: list[str]) -> Mapping[str, Power | SbkernelError]:
        """Return how to reach the nodes; consoles of new ones are opened first, so that no early word is lost."""
        await self._virtual.look()
        await self._consoles.look()
        return await self._hardware.powers(nodes)


def _ask(action: str, power: Power, heard: Heard) -> bool:
    """Ask for the power of a node at once, if it can be asked so, and say what rpower prints for it."""
    return power.status_now(lambda running: heard(None if running is None else decide(action, running)[1]))
