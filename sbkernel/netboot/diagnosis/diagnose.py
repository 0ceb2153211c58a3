"""Say where the boot of a node stands, and the most likely cause if it does not go on. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.diagnosis import rules
from sbkernel.netboot.diagnosis.seen import Diagnosis, Evidence, Seen, State
from sbkernel.netboot.diagnosis.usual import SCRIPTS, UP, Usual, attempts, limits
from sbkernel.netboot.timeline import StageRow, timeline
from sbkernel.units import seconds

_LOOPS = 3
_LOOP_WINDOW_S = 1800.0
_SETTLED_S = 120.0
_LOADING = frozenset({"power-on", "dhcp", *SCRIPTS})
_EVIDENCE = 4


class Why(NamedTuple):
    """A cause, what to do about it, the lines that tell it, and what is to be said beside the cause."""

    cause: str
    do: str
    evidence: tuple[Evidence, ...] = ()
    detail: str = ""


def diagnose(seen: Seen, usual: Mapping[str, Usual], now: float) -> Diagnosis:
    """Return what is to be said of a node, `now` being seconds since the epoch.

    `usual` tells how long boots of its image stay at each stage; without it, limits hold that fit any machine.
    """
    boots = attempts(seen.events)
    rows = timeline(boots[-1]) if boots else []
    reached = [row for row in rows if row.stage != "failed"] or rows
    if not reached:
        return Diagnosis(seen.node, "off" if seen.ordered_off else "unseen")
    return _Look(seen, boots, rows, reached, usual, now).diagnosis()


class _Look:
    """One look at a boot that has begun."""

    def __init__(
        self, seen: Seen, boots: Sequence[Sequence[BootEvent]], rows: Sequence[StageRow], reached: Sequence[StageRow],
        usual: Mapping[str, Usual], now: float,
    ) -> None:  # fmt: skip
        self.seen, self.boots, self.boot, self.rows, self.now = seen, boots, boots[-1], rows, now
        self.last, self.known = reached[-1], usual
        self.usual = usual.get(self.last.stage)
        self.waited_s = max(0.0, now - self.last.time)
        self.limits = limits(self.last.stage, self.usual)
        self.stages = {row.stage for row in rows}

    def diagnosis(self) -> Diagnosis:
        if self.seen.ordered_off:
            return self._said("off")
        if why := self._failed():
            return self._said("failed", why)
        if why := self._loop():
            return self._said("stuck", why)
        if not self.seen.netboots and self.stages <= _LOADING:
            return self._said("well")
        return self._up() if self.stages & UP else self._on_its_way()

    def _said(self, state: State, why: Why | None = None) -> Diagnosis:
        cause, do, evidence, detail = why or Why("", "")
        return Diagnosis(
            self.seen.node, state, self.last.stage, self.last.time, self._waited_s(state), self.usual, cause, detail,
            do.replace("{node}", self.seen.node), evidence[:_EVIDENCE],
        )  # fmt: skip

    def _waited_s(self, state: State) -> float:
        failed = next((row for row in self.rows if row.stage == "failed"), None)
        return max(0.0, self.now - failed.time) if state == "failed" and failed else self.waited_s

    def _failed(self) -> Why | None:
        """Return why a boot has ended badly: what was reported, else what its console shows."""
        event = next((one for one in reversed(self.boot) if one["stage"] == "failed"), None)
        if event is None:
            return None if self.stages & UP else self._on_console(ends=True)
        reason = str(event.get("reason") or "").strip() or "the node gave no reason"
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["t"]))
        sender = event.get("from_unknown")
        by = f", posted from {sender}, which is not known to be its address" if sender else ""
        told = Evidence(reason, f"{self.seen.log}, failed at {clock}{by}")
        rule = next((rule for rule, _, _ in rules.found_in(reason)), None)
        shown = self._on_console(ends=True)
        if rule is None and shown:
            return shown._replace(evidence=(told, *shown.evidence))
        more = (*self._details(), *self._before_it())
        return (
            Why(rule.cause, rule.do, (told, *more), reason) if rule else Why(reason, "sb rcons {node}", (told, *more))
        )

    def _on_console(self, ends: bool = False) -> Why | None:
        """Return what the most telling line of the console stands for."""
        console = self.seen.console
        found = next((one for one in self._shown if one[0].ends or not ends), None)
        if found is None:
            return None
        rule, begin, line = found
        first = console.evidence(begin, line)
        return Why(rule.cause, rule.do, (first, *self._details(), *self._before_it()), _short(line))

    @cached_property
    def _shown(self) -> list[tuple[rules.Rule, int, str]]:
        return list(rules.found_in(self.seen.console.text))

    def _details(self) -> Iterator[Evidence]:
        """Yield what the initrd says of a problem in its last words."""
        yield from self._lines("  problem   ")

    def _before_it(self) -> Iterator[Evidence]:
        for words in rules.BEFORE:
            yield from self._lines(words)

    def _lines(self, words: str) -> Iterator[Evidence]:
        text = self.seen.console.text
        if words in text and (found := rules.Rule("", words, "").line_in(text)):
            yield self.seen.console.evidence(*found)

    def _loop(self) -> Why | None:
        begins = _begins_in_a_row(self.boots, self.now)
        if len(begins) < _LOOPS or (self.stages & UP and self.waited_s > _SETTLED_S):
            return None
        why = self._on_console()
        often = f"it began {len(begins)} times within {seconds(self.now - begins[0])}"
        found = why or Why("", "see why it starts anew: sb rcons {node}")
        return Why("boot loop", found.do, found.evidence, f"{often}; {found.detail}" if found.detail else often)

    def _up(self) -> Diagnosis:
        units = next((str(event["failed"]).strip() for event in reversed(self.boot) if event.get("failed")), "")
        if units:
            where = f"{self.seen.log}, userspace"
            do = f"ssh {{node}} systemctl status {units}"
            return self._said("degraded", Why("failed units", do, (Evidence(f"failed={units}", where),), units))
        if self.seen.netboots and self.stages == {"power-on", "login"} and (why := self._from_disk()):
            return self._said("stuck", why)
        if self.waited_s > self.limits.stuck_s and (why := self._half_up()):
            return self._said("degraded", why)
        return self._said("well")

    def _from_disk(self) -> Why | None:
        """Return that a node with a prompt has fetched nothing, if its console or earlier boots tell that it should."""
        found = next((one for one in self._shown if one[0].cause == rules.DISK), None)
        if found is None and not self.known.keys() & {*SCRIPTS, "kernel", "initrd"}:
            return None
        told = (self.seen.console.evidence(*found[1:]),) if found else ()
        do = "boot it from the network: sb rsetboot {node} net; sb rpower {node} boot"
        return Why(rules.DISK, do, told, "a login prompt, but no boot file was fetched")

    def _half_up(self) -> Why | None:
        """Return what a node lacks that is up by one sign and not by the other."""
        if "postscripts" in self.stages and "booted" not in self.stages:
            done = ", ".join(str(event["script"]) for event in self.boot if event.get("script")) or "none"
            return Why(
                "postscripts do not end", "see what runs there: sb xdsh {node} ps axf", (), f"done so far: {done}"
            )
        if "login" not in self.stages and self.seen.console.heard and self.seen.line.startswith("connected"):
            do = "check console= of its kernel command line (serialport, serialspeed) and its getty: sb rcons {node}"
            return Why("no login prompt on its console", do)
        if "userspace" not in self.stages and "initrd" in self.stages:
            do = "log in and see: systemctl status sbkernel-report; ip address"
            return Why("no report", do, (), "no network, or a service that hangs")
        return None

    def _on_its_way(self) -> Diagnosis:
        if self.waited_s <= self.limits.slow_s:
            return self._said("booting")
        why = self._on_console()
        if self.waited_s <= self.limits.stuck_s:
            return self._said("slow", why)
        return self._said("stuck", self._power() or why or self._stalled())

    def _power(self) -> Why | None:
        """Return what its BMC has answered, if that explains it."""
        if self.seen.power == "off":
            return Why("powered off", "sb rpower {node} on", (Evidence("power: off", "its BMC, just now"),))
        if self.seen.power not in ("", "on"):
            return Why(
                "BMC dead",
                "check bmc of {node}, its cable and login",
                (Evidence(self.seen.power, "its BMC, just now"),),
            )
        return None

    def _stalled(self) -> Why:
        """Return what is likely at this stage when nothing on the console tells more."""
        if self.last.stage in ("power-on", "kernel") and self.seen.console.heard is None:
            return self._silent()
        cause, do = _STALLED.get(self.last.stage, ("it does not go on", "sb rcons {node}"))
        return Why(cause, do, self._last_line())

    def _silent(self) -> Why:
        cause, do = _STALLED[self.last.stage]
        if self.seen.line.startswith("lost"):
            told = Evidence(f"console {self.seen.line}", self.seen.console.path)
            do = "check bmc of {node}: sb rpower {node} stat"
            return Why("BMC dead", do, (told,), "it lost the console, and nothing was heard since")
        if self.seen.line:
            return Why("console silent", f"is it on? sb rpower {{node}} stat; then {do}", (), cause)
        return Why(cause, do)

    def _last_line(self) -> tuple[Evidence, ...]:
        console = self.seen.console
        text = console.text.rstrip()
        begin = text.rfind("\n") + 1
        return (console.evidence(begin, text[begin:].strip()),) if text else ()


_STALLED: Mapping[str, tuple[str, str]] = {
    "power-on": (rules.NO_DHCP, "check the mac of {node}, its switch port and its boot order: sb rsetboot {node} net"),
    "dhcp": (rules.NO_BOOT_FILE, "check TFTP and HTTP from its network: sb service status; sb nodeset {node} stat"),
    "ipxe": (rules.NO_KERNEL, "check that the image is in the catalog: sb images; sb nodeset {node} osimage=IMAGE"),
    "grub": (rules.NO_KERNEL, "check that the image is in the catalog: sb images; sb nodeset {node} osimage=IMAGE"),
    "kernel": (
        "kernel fetched, but its initrd has reported nothing: no network, or no start",
        "check netdrivers of the osimage and console= (serialport): sb rcons {node}",
    ),
    "initrd": (f"{rules.FETCH}: the fetch of the root stalls", "check the load and the network of the server"),
    "fetched": ("the root is still being checked", "see the kernel's messages: sb rcons {node}"),
    "verified": (rules.ROOT, "see the kernel's messages: sb rcons {node}"),
    "mounted": ("the system does not come up", "see what it waits for: sb rcons {node}"),
}  # fmt: skip


def _begins_in_a_row(boots: Sequence[Sequence[BootEvent]], now: float) -> list[float]:
    """Return when the last boots began, of which each but the first began because the one before it had soon ended."""
    begins = [float(boots[-1][0]["t"])]
    for later, earlier in pairwise(reversed(boots)):
        up = next((event["t"] for event in earlier if event["stage"] in UP), None)
        lived_on = up is not None and later[0]["t"] - up > _SETTLED_S
        if later[0]["stage"] == "power-on" or lived_on or earlier[0]["t"] < now - _LOOP_WINDOW_S:
            break
        begins.insert(0, float(earlier[0]["t"]))
    return begins


def _short(line: str) -> str:
    """Return a line without the time that a kernel or the initrd writes before it."""
    text = line.rpartition("] ")[2] if line.startswith(("[", "sbkernel [")) else line
    return text if len(text) <= 100 else f"{text[:99]}…"
