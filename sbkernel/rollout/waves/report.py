"""How a roll-out stands, as a value: for the terminal, for JSON, as a DataFrame, for a cell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.rollout.waves.journal import INTERRUPTED, Rollout, find, listing
from sbkernel.rollout.waves.progress import NodeProgress, Progress
from sbkernel.site import Site
from sbkernel.units import plain

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("node", "wave", "word", "since", "why", "trouble")


@dataclass(frozen=True)
class RolloutReport:
    """A roll-out as it stood when it was read: `state` is running, interrupted, done, went back or stopped."""

    id: str
    by: str
    created: float
    state: str
    progress: Progress

    @property
    def wrong(self) -> list[NodeProgress]:
        """Return the nodes that have or had a trouble."""
        return [one for one in self.progress.nodes.values() if one.word == "failed" or one.trouble]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row for each node; `since` is in seconds since the epoch."""
        import pandas as pd

        rows = [one.as_dict() for one in self.progress.nodes.values()]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON: one result a node."""
        now, plan = self.progress, self.progress.plan
        waves = [
            {"wave": number, "name": wave.name, "nodes": list(wave.nodes), "counts": now.counts(number),
             "judged": vars(now.judged[number]) if number in now.judged else None}
            for number, wave in enumerate(plan.waves, 1)
        ]  # fmt: skip
        return {
            "id": self.id, "by": self.by, "created": self.created, "state": self.state, "why": self.why,
            "image": plan.image, "digest": plan.digest, "wave": now.wave, "waves": waves,
            "nodes": [one.as_dict() for one in now.nodes.values()], "left_out": dict(plan.left_out),
        }  # fmt: skip

    @property
    def why(self) -> str:
        """Return what is to be said of its state."""
        if self.state == INTERRUPTED:
            return f"sb rollout --resume {self.id}, or --cancel {self.id}"
        return self.progress.why or (f"going back: {self.progress.back}" if self.progress.back else "")

    def line(self) -> str:
        """Return one line of text."""
        plan = self.progress.plan
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        counts = ", ".join(f"{count} {word}" for word, count in self.progress.counts().items())
        return f"{self.id}  {when}  {self.by}  {plan.version} to {len(plan.nodes)} nodes: {self.state}; {counts}"

    def __str__(self) -> str:
        now = self.progress
        lines = [self.line()]
        width = max((len(wave.name) for wave in now.plan.waves), default=0)
        for number, wave in enumerate(now.plan.waves, 1):
            counts = ", ".join(f"{count} {word}" for word, count in now.counts(number).items())
            judged = now.judged.get(number)
            said = f"; {judged.why}" if judged and judged.good else ""  # of a bad one, it stands below
            lines.append(f"  wave {number}  {wave.name:<{width}}  {counts}{said}")
        lines += [
            f"  {text}" for text in (*_alike(self.wrong), *now.plan.left_out_lines(), *([self.why] if self.why else []))
        ]
        return "\n".join(map(plain, lines))


def report(site: Site, rollout_id: str = "") -> RolloutReport:
    """Return how a roll-out stands, the newest if none is named. Raises NotFoundError."""
    return report_of(find(site, rollout_id))


def reports(site: Site) -> list[RolloutReport]:
    """Return how all roll-outs of a site stand, newest first."""
    return [report_of(one) for one in listing(site)]


def report_of(found: Rollout) -> RolloutReport:
    """Return how a roll-out stands now."""
    running = found.is_running  # asked first: what ends in between is then still seen running
    now = found.progress()
    return RolloutReport(found.id, found.by, found.created, now.end or ("running" if running else INTERRUPTED), now)


def _alike(nodes: Sequence[NodeProgress]) -> list[str]:
    """Return a line for the nodes of which the same is to be said."""
    alike: dict[str, list[str]] = {}
    for one in nodes:
        alike.setdefault(str(one).partition(": ")[2], []).append(one.node)
    return [f"{fold(names)}: {said}" for said, names in alike.items()]
