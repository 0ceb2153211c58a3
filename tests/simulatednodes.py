"""A site with simulated nodes that boot a thousand times as fast as real ones, and an image of two versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import smallimage
from waiting import until

from sbkernel.netboot import bootfiles
from sbkernel.netboot.nodeset import nodeset
from sbkernel.nodes.practice.state import state
from sbkernel.nodes.practice.traits import Traits
from sbkernel.nodes.simulate import simulate
from sbkernel.rollout.waves.report import RolloutReport, report
from sbkernel.service.client import Service
from sbkernel.service.power.history import power_actions
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"
SPEED = 1000.0


@dataclass(frozen=True)
class Nodes:
    """Simulated nodes of a site that boot the `old` version; `new` is the candidate."""

    site: Site
    names: Sequence[str]
    old: str
    new: str

    def trait(self, trait: str, *nodes: str) -> None:
        """Change how some nodes behave, and wait until they do: their BMCs begin anew, without power."""
        for node in nodes:
            self.site.set("node", node, simulated=f"{trait},speed={SPEED:g}")
        revision = self.site.store.revision()
        until(lambda: state(self.site).revision >= revision, seen=lambda: state(self.site))

    def damage_new(self) -> None:
        """Damage the root of the new version: nodes that fetch it whole (trait `whole`) notice it, and fail."""
        (self.site.catalog / self.new / "root.squashfs").write_bytes(b"dam")

    def boots(self, *nodes: str) -> set[str]:
        """Return which versions nodes boot next."""
        return {bootfiles.version(self.site.boot, node) for node in nodes or self.names}

    def assigned(self, *nodes: str) -> set[str]:
        """Return what is assigned to nodes."""
        return {self.site.nodes[node].peek("provmethod") for node in nodes or self.names}

    def sent(self) -> Counter[str]:
        """Return how often power of each node was changed, as the record of power tells."""
        return Counter(node for one in power_actions(self.site) for node, what in one.on.items() if what.sent)

    def until(self, *words: str, count: int = 1) -> RolloutReport:
        """Wait until so many nodes of the newest roll-out have one of these words."""

        def seen() -> RolloutReport | None:
            found = report(self.site)
            return found if sum(found.progress.counts().get(word, 0) for word in words) >= count else None  # type: ignore[call-overload]

        found = until(seen, seen=lambda: report(self.site))
        assert found is not None
        return found


def simulated_nodes(site: Site, count: int, image: str = IMAGE) -> Nodes:
    """Define the nodes and both versions, and wait until the BMCs listen."""
    old = smallimage.publish(site, b"old", image).digest
    names = simulate(site, count, common=Traits(speed=SPEED), consoles=False).names
    assert not nodeset(site, "simulated", f"osimage={image}").errors
    new = smallimage.publish(site, b"new", image, gated=True).digest
    Service(site).ensure()
    until(lambda: state(site).bmcs == count, seen=lambda: state(site))
    return Nodes(site, names, old, new)
