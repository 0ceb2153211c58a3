"""How many nodes have booted last, side by side: the stages of each, how it went, and how long that usually takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sbkernel.images.catalog.reference import parse
from sbkernel.netboot import bootlog
from sbkernel.netboot.diagnosis.seen import Diagnosis, State
from sbkernel.netboot.diagnosis.usual import Usual, attempts
from sbkernel.netboot.timeline import StageRow, timeline
from sbkernel.service.stuck import BootLooks
from sbkernel.site import Site
from sbkernel.units import plain, seconds

if TYPE_CHECKING:
    import pandas as pd

_LAST_BOOT = 64 * 1024
_WORST_FIRST: Sequence[State] = ("failed", "stuck", "degraded", "slow", "booting", "well", "off", "unseen")
_OPEN: frozenset[State] = frozenset({"stuck", "slow", "booting"})
_COLUMNS = ("node", "image", "state", *StageRow.__annotations__)


@dataclass(frozen=True)
class NodeBoot:
    """The last boot of a node: the stages that it reached, and what is to be said of it."""

    node: str
    image: str
    rows: tuple[StageRow, ...]
    found: Diagnosis

    @property
    def reached_s(self) -> float:
        """Return how many seconds after the start the last stage was reached."""
        return self.rows[-1].seconds if self.rows else 0.0

    @property
    def waits_s(self) -> float:
        """Return for how many seconds the boot has stayed at its last stage; 0 for one that is over."""
        return self.found.waited_s if self.found.state in _OPEN else 0.0

    @property
    def stays(self) -> list[tuple[str, float]]:
        """Return how many seconds the boot has stayed at each stage, in their order."""
        stages = [(row.stage, later.delta) for row, later in zip(self.rows, self.rows[1:], strict=False)]
        return [*stages, (self.rows[-1].stage, self.waits_s)] if self.rows and self.waits_s else stages

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.node}: {plain(self.found.text)}"
        stages = ", ".join(f"{row.stage} {row.seconds:.1f}" for row in self.rows)
        why = "" if self.found.is_well else f"; {plain(self.found.text)}"
        return f"{self.node}: {self.found.state}, {seconds(self.reached_s)}: {stages}{why}"


@dataclass(frozen=True)
class Boots:
    """The last boots of some nodes, those that went worst first, then the slowest.

    `usual` says for each image how long its boots stay at each stage.
    """

    nodes: tuple[NodeBoot, ...]
    usual: Mapping[str, Mapping[str, Usual]]

    @cached_property
    def summary(self) -> str:
        """Return how many nodes there are of each state, the worst first."""
        states = [one.found.state for one in self.nodes]
        return ", ".join(f"{count} {state}" for state in _WORST_FIRST if (count := states.count(state))) or "no nodes"

    @property
    def df(self) -> pd.DataFrame:
        """Return a row for each stage of each node: its fields are those of StageRow, in the order of the nodes."""
        import pandas as pd

        rows = [
            {"node": one.node, "image": one.image, "state": one.found.state, **asdict(row)}
            for one in self.nodes
            for row in one.rows
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def __str__(self) -> str:
        return "\n".join(map(str, self.nodes)) or self.summary


def boots(site: Site, nodes: str | Sequence[str]) -> Boots:
    """Return how nodes, given as a noderange or names, have booted last. NotFoundError for a name that is no node."""
    names = site.noderange(nodes) if isinstance(nodes, str) else list(nodes)
    looks = BootLooks(site)
    found = {one.node: one for one in looks.at(names).nodes}
    usual: dict[str, Mapping[str, Usual]] = {}
    booted = []
    for name, node in site.nodes.many(names).items():
        image = parse(node.peek("provmethod")).image
        events = attempts(bootlog.read_end(site, name, _LAST_BOOT))[-1:]
        rows = tuple(timeline(events[0])) if events else ()
        if rows and image not in usual:
            usual[image] = looks.usual_of(node)
        booted.append(NodeBoot(name, image, rows, found[name]))
    return Boots(tuple(sorted(booted, key=_turn)), usual)


def _turn(one: NodeBoot) -> tuple[int, float, str]:
    return _WORST_FIRST.index(one.found.state), -(one.reached_s + one.waits_s), one.node
