"""What is wrong with a simulated node: the words of its attribute `simulated`. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sbkernel.errors import DefinitionError
from sbkernel.netboot.bootlog import STAGES

ATTRIBUTE = "simulated"
SOUND = "ok"
STUCK = tuple(stage for stage in STAGES if stage not in ("power-on", "failed"))
_FLAGS = ("dead", "slow", "checksum", "panic", "whole")


@dataclass(frozen=True)
class Traits:
    """How a simulated node behaves."""

    dead: bool = False
    """Its BMC never answers."""
    slow: bool = False
    """Its BMC answers late."""
    loss: float = 0.0
    """The share of the BMC's datagrams that vanish, each way."""
    stuck: str = ""
    """It boots up to before this stage."""
    checksum: bool = False
    """The image that it fetches is not the one that was published."""
    panic: bool = False
    """Its kernel panics when the root is mounted."""
    whole: bool = False
    """It fetches whole images and sums them, not only their beginning."""
    speed: float = 1.0
    """It boots so many times as fast as a real machine."""
    seed: int = 0
    """Its chance is repeated with the same seed."""

    def __str__(self) -> str:
        words = [name for name in _FLAGS if getattr(self, name)]
        words += [f"loss={self.loss * 100:g}%"] if self.loss else []
        words += [f"stuck={self.stuck}"] if self.stuck else []
        words = words or [SOUND]
        words += [f"speed={self.speed:g}"] if self.speed != 1 else []
        return ",".join(words + ([f"seed={self.seed}"] if self.seed else []))


def read(text: str) -> Traits:
    """Return the traits that the attribute says. Raises DefinitionError for words that it does not know."""
    found: dict[str, bool | float | int | str] = {}
    for word in filter(None, text.split(",")):
        name, equals, value = word.partition("=")
        if name in _FLAGS and not equals:
            found[name] = True
        elif word != SOUND:
            found[name] = _value(name, value)
    return Traits(**found)  # type: ignore[arg-type]


def _value(name: str, value: str) -> float | int | str:
    try:
        if name == "loss" and 0 <= (share := float(value.removesuffix("%")) / 100) <= 1:
            return share
        if name == "speed" and 0.01 <= (speed := float(value)) <= 1e6:
            return speed
        if name == "seed":
            return int(value)
    except ValueError:
        pass
    if name == "stuck" and value in STUCK:
        return value
    known = [f"{name}" for name in (SOUND, *_FLAGS)] + ["loss=1%", "stuck=STAGE", "speed=10", "seed=1"]
    raise DefinitionError(f"no node is simulated with {name}={value}", hint=f"simulated knows: {' '.join(known)}")


def chosen(names: Sequence[str], shares: Mapping[str, float], common: Traits) -> dict[str, Traits]:
    """Return the traits of each node: exactly the wanted shares, of nodes that the seed chooses.

    A node has one trouble at most; raises DefinitionError when the shares are more than all nodes. A trouble is the
    name of a flag, or a stage to be stuck before.
    """
    if sum(shares.values()) > 1:
        raise DefinitionError(
            "more nodes have a trouble than there are", hint="dead, slow, stuck, checksum and panic add up to 100%"
        )
    order = list(names)
    random.Random(common.seed).shuffle(order)  # noqa: S311 - repeatable by its seed
    plain = {field.name: getattr(common, field.name) for field in fields(common)}
    found = dict.fromkeys(names, common)
    for trouble, share in shares.items():
        count = round(share * len(names))
        for name in order[:count]:
            found[name] = Traits(**{**plain, **({trouble: True} if trouble in _FLAGS else {"stuck": trouble})})
        del order[:count]
    return found
