"""genimage: from an osimage to a root tree, a kernel and an initrd in its rootimgdir, as a plan that is executed."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.files import made
from sbkernel.images import options, reviewed
from sbkernel.images.cache import prune
from sbkernel.images.capture.captured import CAPTURED, left_in
from sbkernel.images.execute import execute
from sbkernel.images.families import programs_of
from sbkernel.images.families.package_manager import UnknownPackagesError, no_source_has
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.layers.begun import Begun, begun
from sbkernel.images.layers.checkout import Checkout
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.making import Making
from sbkernel.images.locking.answer import answer
from sbkernel.images.locking.lockfile import Lock, Locked, path_of_lock, read_lock
from sbkernel.images.order import check_inputs, files_of
from sbkernel.images.plan import Plan, Planned, Step
from sbkernel.images.provenance.made import PROVENANCE, public, run_facts
from sbkernel.images.rootimgdir import KERNEL, TREE, RootimgDir
from sbkernel.images.shelf import DirectoryShelf, outcomes_of
from sbkernel.images.spec import ImageSpec, attributes_of, read_spec
from sbkernel.images.steps import PACKAGES, Asked, boot_steps, genimage_steps
from sbkernel.images.tree.configure import configuration
from sbkernel.images.tree.emulation import check_emulation
from sbkernel.images.tree.fstab import choose_fstab, fstab_digest, keep_edited
from sbkernel.images.tree.namespaces import check_isolation, remove_tree
from sbkernel.jobs import origin
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

_ASKED = ("lock", "container", CAPTURED)
"""What a record has of what was asked for, and may not have the next time."""


@dataclass(frozen=True)
class Build:
    """One run of genimage: what is asked for, and where it goes."""

    site: Site
    spec: ImageSpec
    directory: RootimgDir
    layers: Layers
    report: Report
    lock: Lock | None = None

    @classmethod
    def open(
        cls,
        site: Site,
        image: str,
        report: Report,
        attributes: Mapping[str, str] | None = None,
        locked: Locked = False,
        **overrides: str,
    ) -> Build:
        """Read and check everything that the build needs; nothing is changed."""
        spec = read_spec(site, image, attributes, **overrides)
        lock = read_lock(path_of_lock(site, spec.image, spec.osvers, locked)) if locked else None
        return cls(site, spec, RootimgDir(spec.rootimgdir), Layers(made(site.cache / "layers")), report, lock)

    def begun(self) -> AbstractContextManager[Begun | None]:
        """Begin with the layer of the last build if other packages are asked for now."""
        record = self.directory.record()
        asked = record.get("asked", list(self.spec.packages))
        last = record.get("steps", {}).get(PACKAGES, "") if asked != list(self.spec.packages) else ""
        return begun(self.layers, last)

    def resolve(self, *, clean: bool = False, verify: bool = False, begun: Begun | None = None) -> Asked:
        """Ask the package manager what the lists mean now, or the lock; the rest says how their layer is made."""
        for warning in self.spec.warnings:
            self.report.log(warning)
        resolution = answer(self.spec, self.lock) if self.lock else self._ask()
        if resolution.offline:
            self.report.result(offline=True)
        fstab, origin = choose_fstab(self.site, self.spec)
        spec = self.spec
        wanted = configuration(spec.manager, fstab, timezone=spec.timezone, interfaces=spec.interfaces)
        leave = functools.partial(keep_edited, self.site, spec, self.directory, self.report)
        checkout = Checkout(self.layers, self.directory, leave, anew=clean)
        making = Making(
            self.layers, spec.manager, resolution, clean, verify, seals=False, watched=checkout.ahead, begun=begun
        )
        return Asked(spec, making, checkout, wanted, origin, self.lock)

    def _ask(self) -> Resolution:
        with self.report.phase("resolve packages"):
            try:
                return self.spec.manager.resolve(self.report)
            except UnknownPackagesError as error:
                raise _located(error, self.spec) from None

    def layer(self, plan: Plan) -> Mapping[str, Any]:
        """Return what is recorded about the layer of a plan's packages; nothing if it is not there."""
        digest = plan.digests.get(PACKAGES, "")
        return self.layers.facts(digest) if digest in self.layers else {}

    def is_changed(self, plan: Plan) -> bool:
        """Tell whether the layer of a plan's packages is there and was made from another one."""
        return "start" in self.layer(plan)

    def pending(self, plan: Plan) -> tuple[Step, ...]:
        """Return the steps that would run now."""
        record = self.directory.record()
        with DirectoryShelf.looking(
            plan, self.directory.path, self.directory.work, _there(record), self.layers
        ) as shelf:
            return plan.pending(shelf.has)


def _located(error: UnknownPackagesError, spec: ImageSpec) -> Exception:
    name, near = next(iter(error.near.items()))
    if spec.kernelver and spec.kernelver in name and not spec.listed(name):
        return BuildError(
            f"Cannot find the kernel package {name}",
            hint=f"no source has kernelver={spec.kernelver}; "
            + (f"there are {', '.join(near)}" if near else "correct it"),
        )
    hint = f"did you mean {' or '.join(near)}?" if near else "is the right repository among the sources?"
    line = spec.listed(name)
    return line.error(no_source_has(name), hint=hint) if line else BuildError(error.message, hint=hint)


def _there(record: Mapping[str, Any]) -> dict[str, Any]:
    return outcomes_of(record.get("outcomes", {}))


def plan_genimage(
    site: Site,
    image: str,
    *,
    report: Report | None = None,
    force: bool = False,
    onlyinitrd: bool = False,
    clean: bool = False,
    locked: Locked = False,
    **values: str,
) -> Planned:
    """Return what genimage would do with these arguments; nothing but the package lists in the cache is changed.

    The plan is remembered: genimage with its digest builds exactly this, or says what has changed.
    """
    given = options.checked(image, attributes_of(site, image), values)
    build = Build.open(site, image, report or NullReport(), None, locked, **options.replaced(given))
    keep_captured(build.directory, image, build.report, replaced=force, kept=onlyinitrd)
    asked = None if onlyinitrd else build.resolve(clean=clean or force)
    plan = _boot_plan(build) if asked is None else Plan(image, genimage_steps(asked))
    reviewed.remember(site, plan)
    anew = force or onlyinitrd or (clean and build.is_changed(plan))
    pending = plan.steps if anew else build.pending(plan)
    how = asked.making.foresee() if asked and any(step.name == PACKAGES for step in pending) else ""
    return Planned(plan, pending, how)


def genimage(
    site: Site,
    image: str,
    *,
    report: Report | None = None,
    force: bool = False,
    onlyinitrd: bool = False,
    clean: bool = False,
    verify: bool = False,
    plan: str = "",
    any_plan: bool = False,
    locked: Locked = False,
    attributes: Mapping[str, str] | None = None,
    inputs: Mapping[str, Path] | None = None,
    **values: str,
) -> dict[str, Any]:
    """Build the root tree, kernel and initrd of an osimage; do nothing where nothing has changed.

    `force` builds everything anew, packages included, also in place of a tree that was captured from a node, which is
    BuildError without; `onlyinitrd` takes the tree as it is. `clean` never starts from the packages of another layer,
    nor takes one that was made so; `verify` builds them clean beside, and raises BuildError where that gives another
    tree. `values`, such as kernelver (images/options.py), replace the osimage's and, when the build has succeeded, are
    written back, as in xCAT. `plan` is the digest of the plan that was shown; when it has changed since,
    PlanChangedError tells how, unless `any_plan`. `locked` builds exactly the packages of the image's lock, or of the
    lock in that file, and asks no mirror what there is (images/lock.py). An order hands over the osimage's `attributes`
    as they were when it was made, and copies of the files they point to.

    Returns built and cached (names of steps), packages (count), rootimgdir, kernelver, plan, seconds, and as `layer`
    how the packages came together: from which layer, or why clean. Raises
    NotFoundError, DefinitionError, ListFileError, LockedError, BuildError. Killed at any time it leaves nothing
    mounted, and nothing that a later run would take for whole; that run goes on behind the last step that was finished.
    The old tree stays in place until the new one is done or, where it can be, is brought up to date itself
    (layers/checkout.py): after a failure from there on, there is none until the next build is done.
    """
    started, began = time.monotonic(), time.time()
    given = options.checked(image, attributes_of(site, image) if attributes is None else attributes, values)
    check_inputs(inputs or {})
    build = Build.open(site, image, report or NullReport(), attributes, locked, **options.replaced(given))
    with lock(build.directory.path, "genimage"), ExitStack() as stack:
        keep_captured(build.directory, image, build.report, replaced=force, kept=onlyinitrd)
        begun = None if force or clean or onlyinitrd else stack.enter_context(build.begun())
        asked = None if onlyinitrd else build.resolve(clean=clean or force, verify=verify, begun=begun)
        steps = _boot_plan(build) if asked is None else Plan(image, genimage_steps(asked))
        reviewed.check(site, steps, plan, any_plan=any_plan, report=build.report)
        anew = force or onlyinitrd or (clean and build.is_changed(steps))
        if asked and verify and not anew and build.layer(steps):
            asked.making.examine(steps.digests[PACKAGES], build.report)
        record, ran = _execute(build, steps, asked, force=anew)
    if ran:
        prune.after_build(site, began)
    options.store(site, image, given)
    return {
        "built": ran,
        "cached": [name for name in record["steps"] if name not in ran],
        "packages": record["packages"],
        "rootimgdir": str(build.directory.path),
        "kernelver": record["kernelver"],
        "layer": record["layer"] if PACKAGES in ran else "",
        "plan": steps.digest,
        "seconds": round(time.monotonic() - started, 1),
    }


def keep_captured(directory: RootimgDir, image: str, report: Report, *, replaced: bool, kept: bool) -> None:
    """Raise BuildError before a tree that was captured from a node is thrown away, unless that is asked for."""
    captured = left_in(directory)
    if captured and replaced:
        report.log(f"its tree, {captured}, is replaced by a build from its lists")
    elif captured and not kept:
        raise BuildError(
            f"image '{image}' was {captured}: a build from its lists would throw that away",
            hint=f"sb packimage {image} packs it; --onlyinitrd makes kernel and initrd again, --force all of it",
        )


def _boot_plan(build: Build) -> Plan:
    """Return the plan that takes the tree as it is: kernel and initrd alone."""
    tree = _there(build.directory.record()).get(TREE)
    if tree is None:
        raise BuildError(f"image '{build.spec.image}' has no root tree yet", hint=f"sb genimage {build.spec.image}")
    return Plan(build.spec.image, boot_steps(build.spec, tree.step), {tree.step: tree.digest})


def _remove_old(build: Build) -> None:
    """Remove a tree that was replaced, now or by a run that was killed before it had done so.

    Without a record it may be one that a failed build has set aside.
    """
    if build.directory.old.exists() and build.directory.record():
        with build.report.phase("remove the old tree"):
            remove_tree(build.directory.old)


@contextmanager
def _taking(directory: RootimgDir) -> Iterator[None]:
    """Keep a tree that the block takes, when it fails; what it has made of nothing goes."""
    there = directory.tree.exists() or directory.old.exists()
    try:
        yield
    except BaseException:
        if there:
            directory.set_aside()
        raise


def _provenance(build: Build, plan: Plan, asked: Asked | None, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return who builds what now; of a tree that stays as it is, who built that, and who made kernel and initrd."""
    if asked is None:
        return {**before.get(PROVENANCE, {}), "onlyinitrd": origin.signed()}
    spec = build.spec
    lists = list(files_of(build.site, spec))
    return run_facts(programs_of(spec.request), lists, plan=plan.digest, attributes=public(spec.attributes))


def _noted(build: Build, record: dict[str, Any]) -> dict[str, Any]:
    """Write down by which lock an image that is there already would have been built, too."""
    if build.lock and record.get("lock") != build.lock.named:
        record = {**record, "lock": build.lock.named}
        build.directory.publish(record)
    return record


def _execute(build: Build, plan: Plan, asked: Asked | None, *, force: bool) -> tuple[dict[str, Any], list[str]]:
    """Run what is pending and put it in place; return the record of the image as it is then, and what ran."""
    directory, before = build.directory, build.directory.record()
    _remove_old(build)
    with DirectoryShelf.open(plan, directory.path, directory.work, _there(before), build.layers) as shelf:
        if not force and not plan.pending(shelf.has) and not shelf.new:
            build.report.log("nothing to do")
            return _noted(build, before), []
        check_isolation()
        check_emulation(build.spec.osarch)
        with ThreadPoolExecutor(1) as beside, _taking(directory):
            asking = beside.submit(_provenance, build, plan, asked, before)
            ran = execute(plan, shelf, build.report, force=force)
        root = shelf.path(TREE)
        outcomes = {**before.get("outcomes", {}), **{name: asdict(one) for name, one in shelf.new.items()}}
        record = {
            **{key: value for key, value in before.items() if key not in _ASKED or not asked},
            **({"packages": len(asked.resolution.kept), **asked.recorded} if asked else {}),
            **({"layer": shelf.facts(PACKAGES)["how"]} if PACKAGES in ran else {}),
            **({"lock": build.lock.named} if build.lock else {}),
            # What scripts of packages write anew may differ in nothing that packimage looks at.
            **({"forced": time.time()} if force and asked else {}),
            "steps": {**(before.get("steps", {}) if plan.given else {}), **plan.digests},
            "outcomes": outcomes,
            "kernelver": outcomes[KERNEL]["facts"]["kernelver"],
            "fstab": fstab_digest(root) if root != directory.tree else before.get("fstab", ""),
            "made": time.time(),
            PROVENANCE: asking.result(),
        }
        keep_edited(build.site, build.spec, directory, build.report)
        directory.publish(record)
        _remove_old(build)
        return record, ran
