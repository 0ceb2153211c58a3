"""testboot: boot a version on a virtual node that goes again, look at it closely, and keep the verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import CommandError, DefinitionError, NotFoundError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import CANDIDATE
from sbkernel.images.catalog.reference import Reference, parse, short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.jobs.origin import signed
from sbkernel.jobs.report import NullReport, Report
from sbkernel.jobs.run import run
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.nodes.ssh import Way, reaching
from sbkernel.nodes.virtual.throwaway import throwaway
from sbkernel.rollout.testboot import budgets, verdicts
from sbkernel.rollout.testboot.checks import UP, Check, Measured, measured, of_boot, of_units
from sbkernel.rollout.testboot.scripts import LIMIT_S, run_scripts, scripts_of
from sbkernel.rollout.testboot.verdicts import Verdict
from sbkernel.rollout.versions.promote import promote as promote_version
from sbkernel.service.client import Service
from sbkernel.service.verbs import boot_hint, console_tail, rpower
from sbkernel.site import Site
from sbkernel.units import seconds, size

TIMEOUT_S = 600.0
NAME = "testboot"
_POLL_S = 0.5
_SPARE = 768 << 20
_STEP_MB, _LEAST_MB = 256, 1024
_CONSOLE_LINES = 60


class TestbootError(SbkernelError):
    """A version has failed its test boot."""

    __test__ = False  # pytest takes its name for that of a test


@dataclass(frozen=True)
class TestbootPlan:
    """What will be booted and checked."""

    __test__ = False

    version: ImageVersion
    memory_mb: int
    timeout_s: float
    limits: dict[str, budgets.Limit]
    scripts: tuple[Path, ...]
    history: tuple[Measured, ...] = ()
    promotes: bool = False

    @property
    def name(self) -> str:
        """Return the version as people are told of it."""
        return str(Reference(self.version.image, short(self.version.digest)))

    @property
    def reference(self) -> Reference:
        """Return the version as a word that always means it."""
        return Reference(self.version.image, self.version.digest)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        limits = {what: limit.shown(what) for what, limit in self.limits.items()}
        return {
            "image": self.version.image, "digest": self.version.digest, "memory_mb": self.memory_mb,
            "timeout_s": self.timeout_s, "limits": limits, "scripts": [str(path) for path in self.scripts],
            "good_before": len(self.history), "promotes": self.promotes,
        }  # fmt: skip

    def __str__(self) -> str:
        own = [f"  {path.name:<8} ends with status 0 within {seconds(LIMIT_S)} ({path})" for path in self.scripts]
        known = f", {len(self.history)} good versions are known" if self.history else ", no good version is known yet"
        limits = [f"  {what:<8} {limit.shown(what)}" for what, limit in self.limits.items()]
        return "\n".join([
            f"{self.name} boots on a virtual node with {self.memory_mb} MB of memory, which goes again; then:",
            f"  boot     it reports that it is up, and asks for a login, within {seconds(self.timeout_s)}",
            "  version  the digest that it reports is the one that was to boot",
            "  started  systemd has started all",
            "  units    none has failed",
            *(own or ["  no script of the site: there are none"]),
            *limits,
            f"compared with the same on this host{known}",
            *(["then it becomes the version that nodes boot"] if self.promotes else []),
        ])  # fmt: skip


def plan_testboot(
    site: Site, image: str, *, memory_mb: int = 0, timeout_s: float = TIMEOUT_S, budget: str = "", promote: bool = False
) -> TestbootPlan:
    """Return what testboot would do; nothing is changed. Raises what testboot raises before it boots."""
    asked = parse(image)
    version = Catalog(site).find(asked if asked.version else Reference(asked.image, CANDIDATE))
    if version.image not in site.osimages:
        raise NotFoundError(f"Cannot find the OS image {version.image} in the osimage table.")
    if site.attribute("nodestatus") in ("n", "0"):
        raise DefinitionError(
            "nodes of this site do not report how they boot: nodestatus=n", hint="sb chdef -t site nodestatus=y"
        )
    if not 10 <= timeout_s <= 86400:
        raise DefinitionError(f"a boot cannot be waited for {timeout_s:g} s", hint="10 s to a day")
    definition = site.osimages[version.image]
    limits = budgets.parse(definition.get("testbootbudget"), budget)
    scripts = tuple(scripts_of(site, definition.get("testbootscripts")))
    known = tuple(verdicts.good_before(site, version.image, version.digest))
    return TestbootPlan(version, memory_mb or memory_for(version), timeout_s, limits, scripts, known, promote)


def testboot(
    site: Site,
    image: str,
    *,
    memory_mb: int = 0,
    timeout_s: float = TIMEOUT_S,
    budget: str = "",
    promote: bool = False,
    report: Report | None = None,
) -> dict[str, Any]:
    """Boot a version of an image, by default its candidate, on a virtual node; check it, and keep the verdict.

    The node has `memory_mb`, 0: as much as the image needs, and must be up within `timeout_s` seconds. `budget` is
    that of testbootbudget and takes its place. With `promote` a good version becomes the one that nodes boot. The node
    goes again, whatever happens. Returns the verdict as plain values, and `decision`, what was promoted.
    Raises TestbootError when a check fails, after the verdict is kept and reported; NotFoundError, DefinitionError.
    """
    report = report or NullReport()
    plan = plan_testboot(site, image, memory_mb=memory_mb, timeout_s=timeout_s, budget=budget, promote=promote)
    reference = plan.reference
    with Catalog(site).using(reference), throwaway(site, NAME, memory_mb=plan.memory_mb) as node:
        report.log(f"{node} boots {reference}")
        with _running(site, node, reference, report):
            events = until_up(site, node, plan.timeout_s, report)
            checks, took = examine(site, node, plan, events, report)
            console = console_tail(site, node, _CONSOLE_LINES)
    verdict = verdicts.made_now(plan.version.image, plan.version.digest, checks, took, console)
    verdicts.keep(site, verdict)
    report.result(**verdict.as_dict())
    report.log(str(verdict))
    if not verdict.passed:
        raise TestbootError(f"{plan.name} has failed its test boot: {', '.join(verdict.failed)}", hint=_hint(verdict))
    decision = str(promote_version(site, str(reference))) if promote else ""
    return {**verdict.as_dict(), "decision": decision}


@contextlib.contextmanager
def _running(site: Site, node: str, reference: Reference, report: Report) -> Iterator[None]:
    """Set and power a node for a block, and cut its power afterwards."""
    with report.phase("make the node"):
        nodeset(site, node, f"osimage={reference}")[node]
        Service(site).ensure()
    try:
        for result in rpower(site, [node], "on"):
            if not result.ok:
                raise SbkernelError(f"{node}: {result.text}", hint=result.hint)
        yield
    finally:
        with contextlib.suppress(SbkernelError, OSError):
            rpower(site, [node], "off")


def until_up(site: Site, node: str, timeout_s: float, report: Report) -> list[bootlog.BootEvent]:
    """Wait until a node is up, has failed, or `timeout_s` seconds are over; return the events of its boot."""
    deadline = time.monotonic() + timeout_s
    with report.phase("boot"):
        while True:
            events = bootlog.read(site, node)
            stages = {event["stage"] for event in events}
            report.progress(len(stages), text=str(events[-1]["stage"]) if events else "")
            if "failed" in stages or stages.issuperset(UP) or time.monotonic() >= deadline:
                return events
            time.sleep(_POLL_S)


def examine(
    site: Site, node: str, plan: TestbootPlan, events: Sequence[bootlog.BootEvent], report: Report | None = None
) -> tuple[list[Check], Measured]:
    """Look at a node that has booted; return the checks, and what the boot took."""
    report = report or NullReport()
    checks = of_boot(events, plan.version.digest)
    if not checks[0].ok:
        checks[0] = replace(checks[0], output=tuple((boot_hint(site, node) or "").splitlines()))
    virt = ""
    with report.phase("check"):
        if checks[0].ok:
            with reaching(site, node) as way:
                answers, silent = _settled(way, plan.timeout_s)
                checks += [silent] if silent else of_units(answers)
                virt = next((line.partition(" ")[2] for line in answers if line.startswith("virt ")), "")
                given = {"NODE": node, "IMAGE": plan.version.image, "DIGEST": plan.version.digest}
                for check in () if silent else run_scripts(way, plan.scripts, given):
                    report.log(f"{check.name}: {check.said}")
                    checks.append(check)
    loaded = plan.version.kernel.stat().st_size + plan.version.initrd.stat().st_size
    where = f"{signed()['host']}, {virt or 'unknown'}, {plan.memory_mb} MB"
    took = measured(events, loaded, where)
    return [*checks, *(budgets.judged(plan.limits, took, plan.history) if checks[0].ok else ())], took


def _settled(way: Way, timeout_s: float) -> tuple[list[str], Check | None]:
    """Wait until a node has started all; return what it answers, and a check that failed when it does not."""
    script = (resources.templates() / "remote" / "settled.sh").read_text()
    try:
        return run(way.argv(), input=script, timeout_s=timeout_s).stdout.splitlines(), None
    except CommandError as error:
        ended = (error.hint or "").startswith("ended after")
        said = f"it was still starting after {seconds(timeout_s)}" if ended else way.error(error).message
        return [], Check("started", False, said, tuple(error.tail.splitlines()[-3:]))


def memory_for(version: ImageVersion) -> int:
    """Return the memory of a node that has room for the root, packed and unpacked, and for what runs in it."""
    needed = version.roots_size + version.unpacked_bytes + _SPARE
    return max(_LEAST_MB, -(-needed // (_STEP_MB << 20)) * _STEP_MB)


def _hint(verdict: Verdict) -> str:
    took = verdict.measured
    known = [
        f"up after {seconds(took.time)}" if took.time else "",
        f"{size(took.memory)} in use" if took.memory else "",
    ]
    name = Reference(verdict.image, short(verdict.digest))
    return ", ".join(filter(None, [f"the candidate stays: sb images {name.image} shows its verdict", *known]))
