"""Bad weather for a simulated BMC."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Faults:
    """What goes wrong; change any field while the BMC runs."""

    dead: bool = False
    """The BMC hears nothing and says nothing."""
    delay_s: float = 0.0
    """Every answer comes this much later."""
    loss: float = 0.0
    """The share of datagrams that vanish, each way."""
    refused_suites: frozenset[int] = frozenset()
    """Cipher suites that the BMC does not offer."""
    random: random.Random = field(default_factory=random.Random)

    def swallows(self) -> bool:
        """Decide whether this datagram is lost."""
        return self.dead or (self.loss > 0 and self.random.random() < self.loss)
