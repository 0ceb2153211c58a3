"""The plan of a roll-out: a value that says which nodes get a version in which wave, and what each had before. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.rollout.waves.division import Wave
from sbkernel.units import seconds

BOOT, NEXT, SCHEDULER = "boot", "next", "scheduler"
HOWS = (BOOT, NEXT, SCHEDULER)
OFFLINE, LOCAL = "offline", "boot"
_TARGET = "boottarget "


@dataclass(frozen=True)
class Before:
    """What a node booted before: its state in nodeset's words, the image and version if there was one.

    `provmethod` is the node's own; None: it had none, or that of a group.
    """

    state: str
    image: str = ""
    digest: str = ""
    provmethod: str | None = None

    @property
    def action(self) -> str:
        """Return what to tell nodeset to have it so again."""
        if self.digest:
            return f"osimage={Reference(self.image, self.digest)}"
        if self.state.startswith(_TARGET):
            return f"boottarget={self.state.removeprefix(_TARGET)}"
        return LOCAL if self.state == LOCAL else OFFLINE

    @property
    def named(self) -> str:
        """Return it in few words."""
        if self.digest:
            return f"{self.image}@{short(self.digest)}"
        return {LOCAL: "the local disk", OFFLINE: "nothing"}.get(self.action, self.state)


@dataclass(frozen=True)
class Options:
    """How a roll-out goes.

    `pace` is nodes a second or none, "" as the site says; `timeout_s` is what a boot may take, `wait_s` what may pass
    until it begins, where that is not for us to say; `scheduler` is the program that drains and resumes nodes.
    """

    how: str = BOOT
    budget: str = "5%"
    pace: str = ""
    timeout_s: float = 900.0
    wait_s: float = 7 * 86400.0
    scheduler: str = ""
    promote: bool = False
    untested: str = ""


@dataclass(frozen=True)
class RolloutPlan:
    """Which nodes get which version, in which wave; `left_out` says why others do not.

    `asked`, `noderange` and `divided` are the words that were given: for the version, the nodes and the waves.
    """

    image: str
    digest: str
    asked: str
    noderange: str
    waves: tuple[Wave, ...]
    before: Mapping[str, Before]
    left_out: Mapping[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    divided: str = "rest"

    @property
    def nodes(self) -> list[str]:
        """Return the nodes of all waves, in the order of the waves."""
        return [node for wave in self.waves for node in wave.nodes]

    @property
    def version(self) -> str:
        """Return the version as one names it: IMAGE@DIGEST."""
        return f"{self.image}@{short(self.digest)}"

    @property
    def digests(self) -> set[str]:
        """Return the versions that it needs, for going on and for going back."""
        return {self.digest, *(one.digest for one in self.before.values() if one.digest)}

    @property
    def command(self) -> str:
        """Return the command line that asks for it."""
        usual, given = asdict(Options()), asdict(self.options)
        words = ["sb", "rollout", self.asked, self.noderange, "--waves", self.divided, "--budget", self.options.budget]
        for name, value in given.items():
            if name != "budget" and value != usual[name]:
                option = f"--{name.removesuffix('_s')}"
                words += [option] if value is True else [option, f"{value:g}s" if name.endswith("_s") else str(value)]
        return shlex.join(words)

    @property
    def call(self) -> str:
        """Return the call in Python that asks for it."""
        usual, given = asdict(Options()), asdict(self.options)
        named = {"waves": self.divided, "budget": self.options.budget}
        named |= {name: value for name, value in given.items() if name != "budget" and value != usual[name]}
        options = "".join(f", {name}={value!r}" for name, value in named.items())
        return f"rollout(site, {self.asked!r}, {self.noderange!r}{options})"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RolloutPlan:
        """Return the plan that as_dict() gave."""
        waves = tuple(Wave(one["name"], tuple(one["nodes"])) for one in data["waves"])
        before = {node: Before(**one) for node, one in data["before"].items()}
        return cls(**{**data, "waves": waves, "before": before, "options": Options(**data["options"])})

    def __str__(self) -> str:
        nodes, options = self.nodes, self.options
        if not nodes:
            return "\n".join([f"{self.version}: nothing to do", *(f"  {line}" for line in self.left_out_lines())])
        waves = f"{len(self.waves)} wave{'s'[: len(self.waves) > 1]}"
        head = f"{self.version} to {_nodes(len(nodes))} in {waves}; {options.budget} of a wave may fail"
        width = max(len(wave.name) for wave in self.waves)
        lines = [
            f"  wave {number}  {wave.name:<{width}}  {_nodes(len(wave.nodes)):>11}  {fold(wave.nodes)}"
            for number, wave in enumerate(self.waves, 1)
        ]
        return "\n".join(
            [
                head,
                *lines,
                self._from(),
                f"  {_HOW[options.how](options)}",
                *(f"  {line}" for line in self.left_out_lines()),
            ]
        )

    def _from(self) -> str:
        counts = Counter(self.before[node].named for node in self.nodes)
        return "  now: " + ", ".join(f"{name} on {_nodes(count)}" for name, count in counts.most_common())

    def left_out_lines(self) -> list[str]:
        """Return a line for the nodes that are left out for the same reason."""
        alike: dict[str, list[str]] = {}
        for node, why in self.left_out.items():
            alike.setdefault(why, []).append(node)
        return [f"left out: {fold(names)}: {why}" for why, names in alike.items()]


def _boot(options: Options) -> str:
    pace = {"": "at the pace of the site", "none": "all of a wave at once"}.get(
        options.pace, f"{options.pace} a second"
    )
    return f"each is set and booted, {pace}; a boot may take {seconds(options.timeout_s)}"


def _next(options: Options) -> str:
    return (
        f"each is set, and boots it when it boots next, within {seconds(options.wait_s)}; "
        f"a boot may take {seconds(options.timeout_s)}"
    )


def _scheduler(options: Options) -> str:
    return (
        f"each is set, drained by {options.scheduler} within {seconds(options.wait_s)}, booted and resumed; "
        f"a boot may take {seconds(options.timeout_s)}"
    )


_HOW = {BOOT: _boot, NEXT: _next, SCHEDULER: _scheduler}


def _nodes(count: int) -> str:
    return f"{count} node{'s'[: count != 1]}"
