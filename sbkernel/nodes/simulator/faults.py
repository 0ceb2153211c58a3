"""Bad weather for a simulated BMC."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

Kind = tuple[int, int]
"""A kind of command: its network function and number."""
Refusal = Literal["capabilities", "name", "role", "rakp4", "privilege"]
"""Where a BMC refuses the privilege administrator: asked what it can do, by RAKP message 2 (as if it did not know the
name, or because of the role), by RAKP message 4, or when the session asks for the privilege."""


@dataclass
class Faults:
    """What goes wrong; change any field while the BMC runs."""

    dead: bool = False
    """The BMC hears nothing and says nothing."""
    delay_s: float = 0.0
    """Every answer comes this much later."""
    loss: float = 0.0
    """The share of datagrams that vanish, each way."""
    unheard: frozenset[Kind] = frozenset()
    """Requests of these kinds are lost on their way to the BMC."""
    unanswered: frozenset[Kind] = frozenset()
    """Requests of these kinds are carried out, and the answers are lost."""
    refused: frozenset[Kind] = frozenset()
    """Requests of these kinds are answered, and not carried out: the node is busy."""
    slow_s: dict[Kind, float] = field(default_factory=dict)
    """Requests of these kinds are carried out, and the answers come this much later."""
    refused_suites: frozenset[int] = frozenset()
    """Cipher suites that the BMC does not offer."""
    silent_suites: frozenset[int] = frozenset()
    """Cipher suites whose proposal the BMC does not answer."""
    broken_suites: frozenset[int] = frozenset()
    """Cipher suites that the BMC gets wrong: what it proves with them is not right."""
    chosen_suite: int = 0
    """The cipher suite that the BMC chooses, whatever was proposed; 0: the proposed one."""
    capabilities_first: bool = False
    """Open Session is not answered until somebody has asked what the BMC is capable of."""
    operator_at: Refusal | None = None
    """The BMC lets nobody be administrator; where it says so."""
    garbage: bool = False
    """The BMC sends packets that are no IPMI before each of its own."""
    random: random.Random = field(default_factory=random.Random)

    def swallows(self) -> bool:
        """Decide whether this datagram is lost."""
        return self.dead or (self.loss > 0 and self.random.random() < self.loss)
