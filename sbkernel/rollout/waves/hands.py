"""What a roll-out does to nodes, as its engine sees it: the protocol that the site's nodes and those of tests have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from sbkernel.nodes.results import NodeResult
from sbkernel.rollout.waves.boots import Seen


class Sending(Protocol):
    """Boots that are being sent, at a pace, beside the engine."""

    def results(self) -> list[NodeResult]:
        """Return what came out since it was last asked, at once. Raises what stopped the sending."""
        ...

    @property
    def done(self) -> bool:
        """Tell whether all results were handed out."""
        ...

    def stop(self) -> list[NodeResult]:
        """Send nothing more; return the other results when what was sent has an answer."""
        ...


class Hands(Protocol):
    """What can be done to nodes, and seen of them. Nothing raises for one node."""

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        ...

    def rest(self) -> None:
        """Wait a little until it is worth looking again."""
        ...

    def order(self) -> str:
        """Return whether somebody asks for an end: stay or back, "" if not."""
        ...

    def held(self, nodes: Sequence[str]) -> dict[str, str]:
        """Return which of these nodes somebody holds, and what they say."""
        ...

    def put(self, nodes: Sequence[str]) -> dict[str, str]:
        """Let nodes boot the version from now on; return why some cannot. Doing it twice is harmless."""
        ...

    def set_back(self, nodes: Sequence[str]) -> dict[str, str]:
        """Let nodes boot what they booted before; return why some cannot. Doing it twice is harmless."""
        ...

    def settle(self, nodes: Sequence[str], are_all: bool) -> str:
        """Finish a roll-out whose nodes run the version, all but held ones or not; return what is to be said of it."""
        ...

    def send(self, nodes: Sequence[str], back: bool) -> Sending:
        """Begin to boot nodes; each gets its command once."""
        ...

    def was_sent(self, since: Mapping[str, float], back: bool) -> set[str]:
        """Return to which nodes a boot went out since a time, whoever has been killed meanwhile."""
        ...

    def look(self, since: Mapping[str, float], back: bool) -> dict[str, Seen]:
        """Return what is to be seen of boots that were asked for at a time."""
        ...

    def diagnose(self, nodes: Sequence[str]) -> dict[str, str]:
        """Return why nodes do not come up, as far as that can be told."""
        ...

    def drain(self, nodes: Sequence[str]) -> None:
        """Ask the scheduler to free nodes."""
        ...

    def drained(self, nodes: Sequence[str]) -> Iterable[str]:
        """Return which of them are free now."""
        ...

    def resume(self, nodes: Sequence[str]) -> None:
        """Give nodes back to the scheduler."""
        ...
