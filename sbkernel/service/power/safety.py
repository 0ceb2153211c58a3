"""How carefully power changes: counts to confirm, holds, how fast, canaries, and when too many have failed. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold_of
from sbkernel.errors import DefinitionError
from sbkernel.netboot.bootlog import STAGES
from sbkernel.service.power.pace import UNLIMITED, Pace, at_rate, in_sets
from sbkernel.service.protocol import Message
from sbkernel.units import read_share

FREE_COUNT = 8
DISRUPTIVE = frozenset({"off", "softoff", "reset", "boot", "cycle", "nmi"})
STARTING = frozenset({"on", "boot", "reset", "cycle"})
WATCHED = 50
"""Failures count among so many nodes that were sent last; actions on more than these stop by themselves."""
ABORT = "10%"
WITHIN_S = 900.0
BOOTED = "booted"
UNTIL = (*(stage for stage in STAGES if stage not in ("power-on", "failed", BOOTED)), BOOTED)
OFF = "none"


def needs_count(action: str, nodes: Sequence[str]) -> bool:
    """Return whether an action on these nodes must be confirmed."""
    return action in DISRUPTIVE and len(nodes) > FREE_COUNT


def check_count(action: str, nodes: Sequence[str], confirm: object, held: int = 0) -> None:
    """Raise DefinitionError when an action that stops more than 8 nodes is not confirmed with their exact count.

    `nodes` are those that are touched; `held` further ones are not, as somebody holds them.
    """
    if not needs_count(action, nodes) or confirm == len(nodes):
        return
    left = f"; {held} more are held and stay as they are" if held else ""
    said = "" if confirm is None else f"; {confirm} were confirmed"
    raise DefinitionError(
        f"{action} would stop {len(nodes)} nodes ({nodes[0]} ... {nodes[-1]}){left}{said}",
        hint=f"confirm with their count: rpower(..., confirm={len(nodes)}) or sb rpower --confirm {len(nodes)}",
    )


def touched(definitions: Mapping[str, Definition], nodes: Sequence[str], override_hold: bool) -> list[str]:
    """Return the nodes that an action touches: those that nobody holds, or all if holds are crossed."""
    return [
        name for name in nodes if override_hold or not ((one := definitions.get(name)) is not None and hold_of(one))
    ]


@dataclass(frozen=True)
class Care:
    """What a request asks for beside the action itself."""

    override_hold: bool = False
    pace: Pace = field(default_factory=Pace)
    canary: int = 0
    until: str = ""
    """The stage of the boot that a canary must reach; "": power is enough."""
    within_s: float = WITHIN_S
    abort: float | None = None
    """The share of nodes that may fail; None: any."""


def care_of(request: Message, settings: Mapping[str, str], count: int) -> Care:
    """Return what a request for so many nodes asks for, and the site where it does not. Raises DefinitionError."""
    until, canary = str(request.get("until") or ""), _number("canary", request.get("canary") or 0, 0)
    if until and until not in UNTIL:
        raise DefinitionError(f"no node boots until {until!r}", hint=f"--until knows: {' '.join(UNTIL)}")
    if until and (not canary or request.get("action") not in STARTING):
        raise DefinitionError(
            "until is about canaries that are started", hint="rpower NODERANGE boot --canary 2 --until booted"
        )
    return Care(
        override_hold=bool(request.get("override_hold")),
        pace=_pace(request.get("rate"), settings),
        canary=int(canary),
        until=until,
        within_s=_number("within", request.get("within") or WITHIN_S, 1),
        abort=_abort(request.get("abort"), count),
    )


def _pace(rate: object, settings: Mapping[str, str]) -> Pace:
    if rate == OFF:
        return UNLIMITED
    if rate is not None:
        return at_rate(_number("rate", rate, 0.01))
    if maximum := settings.get("syspowermaxnodes"):
        return in_sets(int(maximum), float(settings.get("syspowerinterval") or 0))
    return Pace()


def _abort(text: object, count: int) -> float | None:
    if text is None:
        text = ABORT if count > WATCHED else OFF
    return None if text == OFF else read_share(str(text))


def _number(name: str, value: object, least: float) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = least - 1
    if not least <= number < 1e9:
        raise DefinitionError(f"{name} is {value}", hint=f"a number, at least {least:g}")
    return number


def domain_of(node: Definition, attribute: str) -> str:
    """Return what feeds a node: the value of an attribute; of `pdu`, the PDUs without their outlets."""
    value = node.peek(attribute)
    if attribute != "pdu":
        return value
    return ",".join(sorted({part.partition(":")[0].strip() for part in value.split(",") if part.strip()}))


class Failures:
    """When too many have failed: of the nodes that were sent last, or of all those that do not even answer."""

    def __init__(self, share: float | None, nodes: int) -> None:
        self._share = share
        self._nodes = nodes
        self._watched = min(WATCHED, nodes)
        self._sent: deque[str] = deque(maxlen=self._watched)
        self._failed: set[str] = set()
        self._silent = 0

    def sent(self, node: str) -> None:
        """Note that a change goes out to a node."""
        self._sent.append(node)

    def silent(self) -> str | None:
        """Note a node that could not even be asked; return why to stop, if it is one too many."""
        self._silent += 1
        if self._share is None or self._silent <= self._share * self._nodes:
            return None
        return f"{self._silent} of {self._nodes} nodes could not be asked{self._limit}"

    def failed(self, node: str) -> str | None:
        """Note a node whose change failed; return why to stop, if it is one too many."""
        self._failed.add(node)
        count = sum(one in self._failed for one in self._sent)
        if self._share is None or count <= self._share * self._watched:
            return None
        return f"{count} of the last {len(self._sent)} nodes failed{self._limit}"

    @property
    def _limit(self) -> str:
        return f" (--abort {(self._share or 0) * 100:g}%)"
