"""What is known of the boot of one node, and what is said of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.diagnosis.usual import Usual
from sbkernel.units import seconds

State = Literal["well", "off", "unseen", "booting", "slow", "degraded", "stuck", "failed"]
NOT_WELL: frozenset[State] = frozenset({"slow", "degraded", "stuck", "failed"})
WRONG: frozenset[State] = frozenset({"degraded", "stuck", "failed"})
_LINE_END = re.compile(rb"\r+\n|[\r\n]")
_EVIDENCE_LIMIT = 240


@dataclass(frozen=True)
class Evidence:
    """A line that tells why, and where it stands."""

    line: str
    where: str

    def __str__(self) -> str:
        return f"{self.line[:_EVIDENCE_LIMIT]}  ({self.where})"


@dataclass(frozen=True)
class ConsoleEnd:
    """What a console has shown of this boot, at most so much from its end: as it came, from byte `start`, and as text.

    `heard` is when the last byte came, None if the node has shown nothing in this boot.
    """

    path: str = ""
    start: int = 0
    raw: bytes = b""
    text: str = ""
    heard: float | None = None

    def evidence(self, begin: int, line: str) -> Evidence:
        """Return a line of the text, which begins there, as evidence."""
        byte = self.raw.rfind(line.encode())
        if byte < 0:  # there are escape sequences in it, so it is found by counting lines
            ends = self.text.count("\n", 0, begin)
            places = (found.end() for found in _LINE_END.finditer(self.raw))
            byte = next(islice(places, ends - 1, None), 0) if ends else 0
        return Evidence(line, f"{self.path}, byte {self.start + byte}")


@dataclass(frozen=True)
class Seen:
    """What is known of one node.

    `line` is the state of its console as its log says it last (`connected`, `lost: why`), "" without a console.
    `power` is what its BMC has answered just now: `on`, `off`, an error, "" if it was not asked. `ordered_off`: its
    power was switched off by rpower. `netboots`: nodeset has set an image for it.
    """

    node: str
    events: Sequence[BootEvent] = ()
    log: str = ""
    console: ConsoleEnd = field(default_factory=ConsoleEnd)
    line: str = ""
    power: str = ""
    ordered_off: bool = False
    netboots: bool = True


@dataclass(frozen=True)
class Diagnosis:
    """Where the boot of a node stands, for how long, and the most likely cause.

    `stage` is the last one that it reached, `since` when (seconds since the epoch). `usual` is how long boots of its
    image stay at that stage. `cause` is in few words, the same for all nodes that have it, `detail` in the words
    of this node. `do` says what to do.
    """

    node: str
    state: State
    stage: str = ""
    since: float = 0.0
    waited_s: float = 0.0
    usual: Usual | None = None
    cause: str = ""
    detail: str = ""
    do: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_well(self) -> bool:
        """Tell whether nobody needs to look at this node."""
        return self.state not in NOT_WELL

    @property
    def text(self) -> str:
        """Return one line without the name of the node."""
        return _SAID[self.state].format(
            why=self.why,
            stage=self.stage,
            time=seconds(self.waited_s),
            usually=self._usually(),
            because=f"; {self.why}" if self.why else "",
        )

    @property
    def why(self) -> str:
        """Return the cause and its detail."""
        told = self.detail.startswith(self.cause)
        return self.detail if told else ": ".join(filter(None, (self.cause, self.detail)))

    def __str__(self) -> str:
        return f"{self.node}: {self.text}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "node": self.node, "state": self.state, "stage": self.stage, "since": self.since,
            "waited_s": round(self.waited_s, 1), "usual_s": self.usual.median_s if self.usual else None,
            "p95_s": self.usual.p95_s if self.usual else None, "cause": self.cause, "detail": self.detail,
            "do": self.do,
            "evidence": [vars(one) for one in self.evidence],
        }  # fmt: skip

    def _usually(self) -> str:
        if self.usual is None:
            return ""
        return f" (usually {seconds(self.usual.median_s)}, 95 % at most {seconds(self.usual.p95_s)})"


_SAID: dict[State, str] = {
    "well": "{stage}, {time} ago",
    "off": "powered off",
    "unseen": "no boot seen",
    "booting": "boots: at {stage} for {time}{usually}",
    "slow": "slower than usual: at {stage} for {time}{usually}{because}",
    "degraded": "up, but {why}",
    "stuck": "stuck at {stage} for {time}{usually}: {why}",
    "failed": "failed after {stage}, {time} ago: {why}",
}
