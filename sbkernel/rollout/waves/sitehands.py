"""The hands of a roll-out on a site: nodeset, the service, boot logs, diagnoses, a scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from sbkernel.definitions.holds import holds
from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.waves.boots import NOTHING, Seen, seen
from sbkernel.rollout.waves.journal import Rollout
from sbkernel.rollout.waves.plan import RolloutPlan
from sbkernel.rollout.waves.scheduler import Scheduler
from sbkernel.rollout.waves.sending import PowerSending, was_sent
from sbkernel.service.stuck import BootLooks
from sbkernel.site import Site

_READ_BYTES = 32 * 1024
_LOOK_S = 0.5
_SHARE = 4
"""After a look that took long, so many times as long is rested: 10,000 boot logs take a second."""


class SiteHands:
    """What a roll-out does to the nodes of a site."""

    def __init__(self, site: Site, rollout: Rollout, plan: RolloutPlan) -> None:
        self._site, self._rollout, self._plan = site, rollout, plan
        self._looks = BootLooks(site)
        self._sizes: dict[str, int] = {}
        self._seen: dict[str, Seen] = {}
        self._took_s = 0.0

    @property
    def _scheduler(self) -> Scheduler:
        return Scheduler(self._plan.options.scheduler, f"sbkernel roll-out {self._rollout.id}")

    def now(self) -> float:
        """Return the time."""
        return time.time()

    def rest(self) -> None:
        """Wait until it is worth looking again."""
        time.sleep(max(_LOOK_S, _SHARE * self._took_s))

    def order(self) -> str:
        """Return what somebody asks for."""
        return self._rollout.order

    def held(self, nodes: Sequence[str]) -> dict[str, str]:
        """Return which nodes somebody holds."""
        return {node: str(hold) for node, hold in holds(self._site.store, nodes).items()}

    def put(self, nodes: Sequence[str]) -> dict[str, str]:
        """Pin nodes to the version."""
        return self._nodeset(nodes, f"osimage={Reference(self._plan.image, self._plan.digest)}")

    def set_back(self, nodes: Sequence[str]) -> dict[str, str]:
        """Set nodes to what they booted before, and let their definitions say so."""
        alike: dict[str, list[str]] = {}
        for node in nodes:
            alike.setdefault(self._plan.before[node].action, []).append(node)
        errors: dict[str, str] = {}
        for action, names in alike.items():
            errors |= self._nodeset(names, action)
        own = {node: {"provmethod": self._plan.before[node].provmethod} for node in nodes if node not in errors}
        there = self._site.store.get_many("node", list(own))
        changed = {node: own[node] for node, now in there.items() if now.get("provmethod") != own[node]["provmethod"]}
        if changed:
            self._site.change("node", changed, "rollout")
        return errors

    def settle(self, nodes: Sequence[str], are_all: bool) -> str:
        """Promote if that was asked for; nodes that follow what is current then follow it again."""
        plan = self._plan
        if plan.options.promote:
            if not are_all:
                return f"not promoted: not every node runs it; sb promote {plan.version}"
            self._promote()
        if Catalog(self._site).pointers(plan.image).current != plan.digest:
            then = f"sb promote {plan.version}, then sb nodeset {fold(nodes)} osimage={plan.image}"
            return f"nodes are pinned to it; they follow what is current after: {then}"
        follow = [node for node in nodes if "@" not in (plan.before[node].provmethod or "")]
        errors = self._nodeset(follow, f"osimage={plan.image}") if follow else {}
        still = f"; still pinned: {fold(errors)}" if errors else ""
        return f"{plan.version} is current{still}"

    def _promote(self) -> None:
        from sbkernel.rollout.versions.promote import promote

        reference = str(Reference(self._plan.image, self._plan.digest))
        promote(self._site, reference, untested=self._plan.options.untested)

    def send(self, nodes: Sequence[str], back: bool) -> PowerSending:
        """Begin to boot nodes at the pace of the site, or of the plan."""
        return PowerSending(self._site, nodes, self._origin(back), self._plan.options.pace)

    def was_sent(self, since: Mapping[str, float], back: bool) -> set[str]:
        """Look up which boots went out."""
        return was_sent(self._site, since, self._origin(back))

    def look(self, since: Mapping[str, float], back: bool) -> dict[str, Seen]:
        """Read the boot logs that have changed."""
        began = time.monotonic()
        found = {node: self._look(node, t, back) for node, t in since.items()}
        self._took_s = time.monotonic() - began
        return found

    def _look(self, node: str, since: float, back: bool) -> Seen:
        wanted = self._plan.before[node].digest if back else self._plan.digest
        if not wanted:
            return Seen("up", since)  # nothing reports from a local disk
        key = f"{node} {since} {back}"
        try:
            size = bootlog.path(self._site, node).stat().st_size
        except OSError:
            return NOTHING
        if self._sizes.get(key) != size:
            self._seen[key] = seen(bootlog.read_end(self._site, node, _READ_BYTES), since, wanted)
            self._sizes[key] = size
        return self._seen[key]

    def diagnose(self, nodes: Sequence[str]) -> dict[str, str]:
        """Say why nodes do not come up."""
        try:
            return {one.node: one.why or one.text for one in self._looks.at(nodes).nodes}
        except (SbkernelError, OSError) as error:
            return dict.fromkeys(nodes, f"it is not up in time ({error})")

    def drain(self, nodes: Sequence[str]) -> None:
        """Ask the scheduler to free nodes."""
        self._scheduler.drain(nodes)

    def drained(self, nodes: Sequence[str]) -> Iterable[str]:
        """Ask the scheduler which are free."""
        return self._scheduler.drained(nodes)

    def resume(self, nodes: Sequence[str]) -> None:
        """Give nodes back to the scheduler."""
        self._scheduler.resume(nodes)

    def _nodeset(self, nodes: Sequence[str], action: str) -> dict[str, str]:
        """Set nodes by name, so that a group that has changed since does not matter; one that is gone fails."""
        there = set(self._site.store.get_many("node", list(nodes)))
        errors = {node: "it is no longer defined" for node in nodes if node not in there}
        if there:
            try:
                done = nodeset(self._site, ",".join(sorted(there)), action)
            except SbkernelError as error:
                return errors | dict.fromkeys(there, error.message)
            errors |= {node: error.message.removeprefix(f"{node}: ") for node, error in done.errors.items()}
            errors |= dict.fromkeys(there - {*done, *done.errors}, "the site leaves it out (excludenodes)")
        return errors

    def _origin(self, back: bool) -> str:
        return f"roll-out {self._rollout.id}" + (" going back" if back else "")
