"""update: bring an image up to date: resolve, compare, ask the policy, build, pack, test boot, publish."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.files import made
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.gates import gate_of
from sbkernel.images.catalog.pointers import CANDIDATE
from sbkernel.images.catalog.reference import Reference, parse, short
from sbkernel.images.elsewhere.genimage import genimage_on
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.lock import Done, Lock, lock_security
from sbkernel.images.packimage import packimage
from sbkernel.images.plan import Planned
from sbkernel.jobs.report import NullReport, Report
from sbkernel.nodes import contents
from sbkernel.packages.diff import attention
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.diff.formats import diff_data
from sbkernel.packages.diff.policy import Policy, Verdict
from sbkernel.packages.diff.policyfile import load
from sbkernel.packages.diff.summary import movement
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.rollout.testboot import testboot as test
from sbkernel.rollout.testboot.verdicts import verdict_of
from sbkernel.rollout.versions.promote import promote
from sbkernel.site import Site
from sbkernel.units import shortened

NOTHING, PUBLISHED = "nothing", "published"
_SHOWN = 60


@dataclass(frozen=True)
class UpdatePlan:
    """What an update would bring now: the steps of genimage, the packages that change, what the policy says of that.

    `diff` is None for an image of which nodes boot nothing yet, and for one whose packages come with a container.
    `untold` is that of the Resolution: what an update for security alone cannot know or have.
    """

    image: str
    current: str
    planned: Planned
    diff: Diff | None = None
    verdict: Verdict | None = None
    untold: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tell whether the policy, if there is one, allows it."""
        return self.verdict is None or self.verdict.allowed

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "image": self.image, "current": self.current, "steps": [step.name for step in self.planned.pending],
            "diff": diff_data(self.diff) if self.diff else None, "allowed": self.allowed,
            "policy": self.verdict.as_dict() if self.verdict else None, "untold": list(self.untold),
        }  # fmt: skip

    def __str__(self) -> str:
        told = _told(self.diff) if self.diff else []
        judged = [str(self.verdict)] if self.verdict else []
        steps = [step.name for step in self.planned.pending]
        will = (
            f"would be built: {', '.join(steps)}" if steps else "nothing to build: the lists mean what was built last"
        )
        return "\n".join([*self.untold, *told, *judged, will])


def plan_update(
    site: Site, image: str, *, security_only: bool = False, policy: str = "", report: Report | None = None
) -> UpdatePlan:
    """Return what update would build now; nothing but the cache is changed. Raises what update raises before it builds.

    A policy that forbids the change is no error here.
    """
    report = report or NullReport()
    rules = load(Path(policy)) if policy else None
    _check_image(site, image)
    digest = Catalog(site).pointers(image).current
    current = Catalog(site).get(digest) if digest else None
    lock = _lock_of_security(site, image, report) if security_only else None
    planned = plan_genimage(site, image, report=report, locked=lock.lock.file if lock else False)
    untold = lock.untold if lock else ()
    found = None
    if current and "container" not in current.data.get("made", {}):
        was = contents.labelled(site, f"image:{Reference(image, digest)}")
        will = _by_lock(was, lock.lock) if lock else contents.labelled(site, f"resolve:{image}")
        found = diff(was, will, attention.of_site(site))
    return UpdatePlan(image, digest, planned, found, rules.check(found) if rules and found else None, untold)


def update(
    site: Site,
    image: str,
    *,
    security_only: bool = False,
    policy: str = "",
    testboot: bool = True,
    memory_mb: int = 0,
    timeout_s: float = test.TIMEOUT_S,
    budget: str = "",
    nosyncfiles: bool = False,
    report: Report | None = None,
) -> dict[str, Any]:
    """Build what the lists of an image mean now and, when it is good, let nodes boot it at their next nodeset.

    `security_only` takes new versions that are for security alone, and keeps all else as nodes boot it. `policy` is a
    file of rules (packages/diff/policyfile.py) about what may change against what nodes boot. A new version is packed
    as the last one was, is the candidate, and becomes current after a good test boot, for which `memory_mb`,
    `timeout_s` and `budget` are; without `testboot` at once.

    Returns image, state (`nothing` when nodes boot that already, or `published`), digest, before (the digest that they
    booted), changes (lines), decision (lines), packages, seconds. Raises what genimage and packimage raise,
    PolicyError, TestbootError: then nothing is published, and the candidate, if it came that far, stays to be seen.
    """
    report, began = report or NullReport(), time.monotonic()
    _check(site, image, testboot=testboot)
    rules = load(Path(policy)) if policy else None
    plan = plan_update(site, image, security_only=security_only, policy=policy, report=report)
    if plan.verdict:
        plan.verdict.enforce()
    _build(site, image, str(_security_file(site, image)) if security_only else "", report)
    changes = [*plan.untold, *_compared(site, image, plan.current, rules, report)]
    catalog = Catalog(site)
    how = {**_as_before(catalog, image), "nosyncfiles": nosyncfiles}
    packed = packimage(site, image, report=report, gated=True, **how)
    said = {"image": image, "digest": packed["digest"], "before": plan.current, "packages": packed["packages"]}
    report.result(**said, changes=changes)
    if packed["digest"] == plan.current:
        decision = f"{image}: nothing to do: nodes boot what its lists mean"
        state = NOTHING
    else:
        reference = str(Reference(image, packed["digest"]))
        if testboot:
            _test(site, reference, report, memory_mb=memory_mb, timeout_s=timeout_s, budget=budget)
        _refuse_held(catalog, reference)
        state, decision = PUBLISHED, str(promote(site, reference))
    report.log(decision)
    seconds = round(time.monotonic() - began, 1)
    return {**said, "state": state, "changes": changes, "decision": decision, "seconds": seconds}


def _check_image(site: Site, image: str) -> None:
    if image not in site.osimages:
        hint = f"sb update {parse(image).image}: a version cannot be updated" if "@" in image else None
        raise NotFoundError(f"Could not find an object named '{image}' of type 'osimage'.", hint=hint)


def _check(site: Site, image: str, *, testboot: bool) -> None:
    """Raise before anything is built for what could not be published in the end."""
    _check_image(site, image)
    if not testboot and gate_of(site, image):
        raise DefinitionError(
            f"{image} has gate={gate_of(site, image)}: nothing of it is published without a test boot",
            hint="leave --no-testboot out",
        )


def _security_file(site: Site, image: str) -> Path:
    return site.cache / "security" / f"{image}.lock"


def _lock_of_security(site: Site, image: str, report: Report) -> Done:
    """Write which packages an update is made of that takes nothing but security updates."""
    file = _security_file(site, image)
    return lock_security(site, image, made(file.parent) / file.name, report)


def _by_lock(was: Manifest, lock: Lock) -> Manifest:
    """Return the packages of a lock; what one of them takes on disk is what it took in its present version."""
    known = {one.name: one for one in was}
    family = next((one.family for one in was), "")

    def package(one: Resolved) -> Package:
        present = known.get(one.name) or Package(one.name, one.version, one.architecture, family=family)
        return present._replace(version=one.version, arch=one.architecture)

    return manifest(map(package, lock.resolution.kept), name=f"security updates of {lock.image}", kind="list")


def _build(site: Site, image: str, locked: str, report: Report) -> None:
    """Build where the osimage says (buildhost)."""
    attributes = site.osimages[image].attributes
    if place := attributes.get("buildhost"):
        shared = attributes.get("buildshared") == "1"
        genimage_on(site, image, on=place, shared=shared, locked=locked or False, report=report)
    else:
        genimage(site, image, locked=locked or False, report=report)


def _compared(site: Site, image: str, current: str, rules: Policy | None, report: Report) -> list[str]:
    """Return what has changed in the tree that was built; PolicyError when the rules forbid it."""
    if not current:
        return [f"{image}: nodes boot nothing of it yet"]
    found = contents.diff(site, f"image:{Reference(image, current)}", f"image:{Reference(image, 'built')}")
    told = _told(found)
    report.log("\n".join(told))
    if rules:
        rules.check(found).enforce()
    return told


def _told(found: Diff) -> list[str]:
    """Return what has changed on one screen, and then what has moved, package by package."""
    return [*found.summary.splitlines(), *shortened([f"  {movement(row)}" for row in found.rows], _SHOWN)]


def _as_before(catalog: Catalog, image: str) -> dict[str, Any]:
    """Return the options by which the version that was packed last was packed."""
    try:
        version = catalog.find(Reference(image, CANDIDATE))
    except NotFoundError:  # it was never packed, or that is gone
        return {}
    packed: Mapping[str, Any] = version.data.get("pack", {})
    how = {name: packed[name] for name in ("method", "compression", "level", "block_size") if packed.get(name)}
    return {**how, "verity": "verity" in packed, "layered": version.layered}


def _test(site: Site, reference: str, report: Report, **options: Any) -> None:
    """Boot a version, unless that has been done and it was good."""
    verdict = verdict_of(site, parse(reference).version)
    if verdict and verdict.passed:
        report.log(f"its test boot: {verdict.mark}")
        return
    test.testboot(site, reference, report=report, **options)


def _refuse_held(catalog: Catalog, reference: str) -> None:
    """Raise when somebody has gone back to another version: what he has decided holds until somebody promotes."""
    asked = parse(reference)
    if hold := catalog.pointers(asked.image).hold:
        raise SbkernelError(
            f"{asked.image}@{short(asked.version)} is not published: current is held at {short(hold.digest)}, to which "
            f"{hold.by}@{hold.host} went back",
            hint=f"sb promote {asked.image} makes the candidate current",
        )
