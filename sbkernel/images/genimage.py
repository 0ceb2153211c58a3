"""genimage: from an osimage to a root tree, a kernel and an initrd in its rootimgdir, as a plan of digested steps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images import configure, tree
from sbkernel.images.apt import Apt, Resolution, UnknownPackagesError
from sbkernel.images.initrd import build_initrd
from sbkernel.images.inputs import default_fstab, read_inputs
from sbkernel.images.install import install
from sbkernel.images.installed import of_record
from sbkernel.images.kernel import choose_kernel
from sbkernel.images.layers import Layers
from sbkernel.images.plan import Plan, make_plan
from sbkernel.images.postinstall import run_scripts
from sbkernel.images.rootimgdir import RootimgDir, fstab_digest, read_fstab
from sbkernel.images.spec import ImageSpec, read_spec
from sbkernel.images.steps import TREE, Inputs, boot_drafts, drafts
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists import lookup
from sbkernel.site import Site


@dataclass(frozen=True)
class Build:
    """One run of genimage: what is asked for, what it resolves to, and where it goes."""

    site: Site
    spec: ImageSpec
    inputs: Inputs
    directory: RootimgDir
    layers: Layers
    report: Report

    @classmethod
    def open(cls, site: Site, image: str, report: Report, **overrides: str) -> Build:
        """Read and check everything that the build needs; nothing is changed."""
        spec = read_spec(site, image, **overrides)
        layers = site.cache / "layers"
        layers.mkdir(exist_ok=True)
        return cls(site, spec, read_inputs(site, spec), RootimgDir(spec.rootimgdir), Layers(layers), report)

    def resolve(self) -> tuple[Apt, Resolution, Plan]:
        """Ask the solver what the lists mean now, and make the plan."""
        for warning in self.spec.warnings:
            self.report.log(warning)
        private = Apt.open(self.site, self.spec.sources, self.spec.release.architecture)
        with self.report.phase("resolve packages"):
            try:
                resolution = private.resolve(self.spec.packages, self.report)
            except UnknownPackagesError as error:
                raise _located(error, self.spec) from None
        if resolution.offline:
            self.report.result(offline=True)
        if not any(package.name == "dpkg" for package in resolution.packages):
            raise BuildError(
                f"the package sources hold no base system of {self.spec.release.codename}",
                hint="pkgdir replaces the sources of the host: name a mirror of the distribution in it, too",
            )
        return private, resolution, make_plan(self.spec.image, drafts(self.spec, resolution.packages, self.inputs))

    def done(self, plan: Plan) -> dict[str, str]:
        """Return the digests that need no work: of the last build, and of the layer if it is in the cache."""
        digests: dict[str, str] = dict(self.directory.record().get("steps", {}))
        wanted = plan["packages"].digest
        return digests | ({"packages": wanted} if wanted in self.layers else {})


def _located(error: UnknownPackagesError, spec: ImageSpec) -> Exception:
    name, near = next(iter(error.near.items()))
    hint = f"did you mean {' or '.join(near)}?" if near else "is the right repository among the sources?"
    line = spec.listed(name)
    return line.error(f"no source has a package {name}", hint=hint) if line else BuildError(error.message, hint=hint)


def plan_genimage(site: Site, image: str, *, report: Report | None = None) -> Plan:
    """Return what genimage would do; nothing but the package lists in the cache is changed."""
    return Build.open(site, image, report or NullReport()).resolve()[2]


def describe(site: Site, image: str, *, report: Report | None = None, netdrivers: str = "", kernelver: str = "") -> str:
    """Return the plan of genimage as text: every step, its digest, and whether it would run."""
    build = Build.open(site, image, report or NullReport(), netdrivers=netdrivers, kernelver=kernelver)
    plan = build.resolve()[2]
    return plan.render(build.done(plan))


def genimage(
    site: Site,
    image: str,
    *,
    report: Report | None = None,
    force: bool = False,
    onlyinitrd: bool = False,
    netdrivers: str = "",
    kernelver: str = "",
) -> dict[str, Any]:
    """Build the root tree, kernel and initrd of an osimage; do nothing where nothing has changed.

    `force` builds everything anew, packages included; `onlyinitrd` takes the tree as it is. `netdrivers` and
    `kernelver` replace the osimage's and, when the build has succeeded, are written back, as in xCAT.

    Returns built and cached (names of steps), packages (count), rootimgdir, kernelver, seconds. Raises NotFoundError,
    DefinitionError, ListFileError, LockedError, BuildError. Killed at any time it leaves the old image in place,
    nothing mounted, and nothing that a later run would take for whole.
    """
    started = time.monotonic()
    overrides = {"netdrivers": netdrivers, "kernelver": kernelver}
    build = Build.open(site, image, report or NullReport(), **overrides)
    with lock(build.directory.path, "genimage"):
        record, built = _only_initrd(build) if onlyinitrd else _everything(build, force)
    if given := {key: value for key, value in overrides.items() if value}:
        site.set("osimage", image, **given)
    return {
        "built": built,
        "cached": [name for name in record["steps"] if name not in built],
        "packages": record["packages"],
        "rootimgdir": str(build.directory.path),
        "kernelver": record["kernelver"],
        "seconds": round(time.monotonic() - started, 1),
    }


def _everything(build: Build, force: bool) -> tuple[Mapping[str, Any], list[str]]:
    private, resolution, plan = build.resolve()
    before = build.directory.record()
    pending = list(plan) if force else list(plan.to_run(before.get("steps", {})))
    if not pending:
        build.report.log("nothing to do")
        return before, []
    cached = plan["packages"].digest in build.layers and not force
    tree.check_isolation()
    with build.directory.work_place():
        root = build.directory.tree
        if any(step.name in TREE for step in pending):
            root = _build_tree(build, private, resolution, plan, force)
        kernelver = _build_boot(build, root)
        record = _record(build.spec, plan.digests, resolution, kernelver, root)
        _keep_fstabs(build, before)
        if root != build.directory.tree:
            build.directory.new(build.directory.manifest).write_text(
                of_record(root, build.spec.image, record).to_json()
            )
        build.directory.publish(record)
    build.layers.prune()
    return record, [step.name for step in pending if not (cached and step.name == "packages")]


def _build_tree(build: Build, private: Apt, resolution: Resolution, plan: Plan, force: bool) -> Path:
    new = build.directory.new(build.directory.tree)
    digest = plan["packages"].digest
    with build.layers.using(
        digest, lambda target: install(build.spec, private, resolution, target, build.report), anew=force
    ) as layer:
        with build.report.phase("copy the layer"):
            tree.copy_tree(layer, new)
        epoch = int(build.layers.facts(digest)["epoch"])
    with build.report.phase("configure"):
        _configure(build, new, epoch)
    if build.spec.postinstall:
        with build.report.phase("run postinstall scripts", len(build.spec.postinstall)):
            run_scripts(build.spec, new, choose_kernel(new, build.spec.kernelver), build.report)
    tree.stamp(new, epoch)
    return new


def _configure(build: Build, root: Path, epoch: int) -> None:
    laid = configure.files(build.inputs.root, build.inputs.fstab, build.spec.sources)
    missing = {
        name.lstrip("/"): data
        for name, data in build.inputs.keyrings.items()
        if not (root / name.lstrip("/")).is_file()
    }
    unpack = ["tar", "--extract", "--directory=/", "--keep-directory-symlink", "--no-same-owner"]
    tree.inside(root, unpack, input=configure.archive({**laid, **missing}, epoch), on_line=build.report.log)
    tree.inside(root, ["sh", "-s"], input=build.inputs.configure, on_line=build.report.log)


def _build_boot(build: Build, root: Path) -> str:
    kernelver = choose_kernel(root, build.spec.kernelver)
    with build.report.phase("take the kernel"):
        shutil.copyfile(root / "boot" / f"vmlinuz-{kernelver}", build.directory.new(build.directory.kernel))
    with build.report.phase("build the initrd"):
        output = build.directory.new(build.directory.initrd)
        build_initrd(root, kernelver, build.spec.drivers, output, report=build.report)
    return kernelver


def _only_initrd(build: Build) -> tuple[Mapping[str, Any], list[str]]:
    before = build.directory.record()
    if not before:
        raise BuildError(f"image '{build.spec.image}' has no root tree yet", hint=f"sb genimage {build.spec.image}")
    after = before["steps"]["postinstall"]
    plan = make_plan(build.spec.image, boot_drafts(build.spec, build.inputs), after=after)
    with build.directory.work_place():
        kernelver = _build_boot(build, build.directory.tree)
        record = {**before, "steps": before["steps"] | plan.digests, "kernelver": kernelver}
        build.directory.publish(record)
    return record, list(plan.digests)


def _record(
    spec: ImageSpec, digests: Mapping[str, str], resolution: Resolution, kernelver: str, root: Path
) -> dict[str, Any]:
    return {
        "steps": dict(digests),
        "packages": len(resolution.packages),
        "asked": spec.packages,
        "origins": {str(package): [package.repository, package.sha256] for package in resolution.packages},
        "kernelver": kernelver,
        "fstab": fstab_digest(root),
        "made": time.time(),
    }


def _keep_fstabs(build: Build, before: Mapping[str, Any]) -> None:
    """Keep the default beside the tree, and an fstab that somebody edited in the old tree, which is about to go."""
    (build.directory.path / "fstab.default").write_text(default_fstab(build.spec))
    text = read_fstab(build.directory.tree) if before.get("fstab") else None
    replaced = build.directory.new(build.directory.tree).exists()
    if replaced and text is not None and fstab_digest(build.directory.tree) != before["fstab"]:
        kept = build.directory.path / "fstab.edited"
        kept.write_bytes(text)
        durable = lookup.directories(build.site, build.spec.osvers)[0] / f"{build.spec.profile}.fstab"
        build.report.log(f"etc/fstab had been edited by hand: kept as {kept}; to make it last, copy it to {durable}")
