"""The steps of genimage: what each depends on, stands on and makes, and the function that does it."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel import resources, units
from sbkernel.architectures import architecture, runs_here
from sbkernel.images.families.package_manager import PackageManager, PackagePass
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.initrd import kept
from sbkernel.images.initrd.build import DEFAULT_DRIVERS, build_initrd
from sbkernel.images.initrd.files import host_busyboxes
from sbkernel.images.initrd.rootkinds import root_kinds
from sbkernel.images.layers.checkout import Checkout
from sbkernel.images.layers.making import Making
from sbkernel.images.locking.lockfile import Lock
from sbkernel.images.locking.mirror import fetch
from sbkernel.images.plan import Facts, Step, Work
from sbkernel.images.rootimgdir import INITRD, KERNEL, MANIFEST, TREE
from sbkernel.images.spec import Described, ImageSpec
from sbkernel.images.tree import installed
from sbkernel.images.tree.configure import VERSION, Configuration, below, configure
from sbkernel.images.tree.fstab import fstab_changes, read_fstab
from sbkernel.images.tree.kernel import choose_kernel, kernel_file
from sbkernel.images.tree.namespaces import stamp, written
from sbkernel.images.tree.postinstall import declared, environment, inputs, run_scripts
from sbkernel.images.tree.timezone import check_there

PACKAGES = "packages"
_SHOWN = 4
_DIGEST = len("sha256:") + 12


@dataclass(frozen=True)
class Asked:
    """Everything that a build is made from: the osimage, what its lists resolve to, how its tree is configured.

    `making` is how the layer of those packages is made and `checkout` how the tree out of it, on which no digest
    depends.
    """

    spec: ImageSpec
    making: Making
    checkout: Checkout
    configuration: Configuration
    fstab_origin: str
    lock: Lock | None = None

    @property
    def resolution(self) -> Resolution:
        """Return what the lists resolve to."""
        return self.making.resolution

    @property
    def recorded(self) -> dict[str, Any]:
        """Return what a tree does not tell of its packages: who was asked for, where each came from."""
        origins = {str(one): [one.repository, one.sha256] for one in self.resolution.kept}
        container = self.resolution.container
        return {
            "asked": list(self.spec.packages),
            "origins": origins,
            **({"container": container._asdict()} if container else {}),
        }


def genimage_steps(asked: Asked) -> tuple[Step, ...]:
    """Return all steps that build an image, in order."""
    tree = tree_steps(asked)
    last = tree[-1].name
    return (*tree, *boot_steps(asked.spec, last, anew=asked.checkout.anew), manifest_step(asked, last))


def tree_steps(asked: Asked) -> tuple[Step, ...]:
    """Return the steps whose outcome is the root tree."""
    steps = [download_step(asked), packages_step(asked), copy_step(asked), configure_step(asked)]
    return (*steps, postinstall_step(asked.spec)) if asked.spec.postinstall else tuple(steps)


def boot_steps(spec: Described, tree: str, *, anew: bool = True) -> tuple[Step, ...]:
    """Return the steps that make kernel and initrd out of the tree that the step `tree` has finished."""
    return kernel_step(spec, tree), initrd_step(spec, tree, anew=anew)


def download_step(asked: Asked) -> Step:
    """Return the step that brings the packages into the cache of this host."""
    manager, resolution = asked.spec.manager, asked.resolution

    def run(work: Work) -> None:
        fetch(asked.lock, manager, resolution, work.report)

    what = f"{_packages(resolution)}, {units.size(resolution.size)}"
    return Step("download", "download packages", None, "nothing", summary=what, total=len(resolution.packages), run=run)


def packages_step(asked: Asked) -> Step:
    """Return the step whose outcome is a layer: nothing of the image's name or place is in it."""
    manager, resolution = asked.spec.manager, asked.resolution

    def run(work: Work) -> Facts:
        return asked.making.make(work.target, work.report)

    what = f"{_packages(resolution)}, {_about(manager, resolution)}"
    return Step(
        "packages",
        "install packages",
        manager.inputs(resolution),
        "layer",
        PACKAGES,
        on=("download",),
        summary=f"{what}{_in_passes(manager.passes)}{_without(resolution)}",
        total=len(resolution.packages),
        run=run,
    )


def copy_step(asked: Asked) -> Step:
    """Return the step that makes a layer a tree of its own."""

    def run(work: Work) -> None:
        asked.checkout.make(work.path(PACKAGES).parent.name, work.target, work.report)

    return Step("tree", "copy the layer", None, "tree", TREE, on=("packages",), run=run)


def configure_step(asked: Asked) -> Step:
    """Return the step that makes a tree of packages a stateless root."""
    wanted = asked.configuration

    def run(work: Work) -> None:
        epoch = int(work.facts(PACKAGES)["epoch"])
        check_there(work.target, asked.spec.timezone)
        configure(work.target, wanted, epoch, work.report)
        stamp(work.target, epoch)

    data = {
        "files": _hashes(wanted.files),
        "if missing": _hashes(wanted.if_missing),
        "script": hashlib.sha256(wanted.script).hexdigest(),
        **({"timezone": asked.spec.timezone} if asked.spec.timezone else {}),
    }
    what = f"{len(wanted.files)} files, fstab: {asked.fstab_origin}"
    return Step("configure", "configure", data, "tree", TREE, on=("tree",), version=VERSION, summary=what, run=run)


def postinstall_step(spec: ImageSpec) -> Step:
    """Return the step that runs the site's own scripts; those that do not say what they read are run every time."""
    scripts = spec.postinstall
    # A plan is kept and shown: no password of a mirror is in it.
    addresses = {name: shown(value) for name, value in spec.attributes.items() if name in ("pkgdir", "otherpkgdir")}
    told = {**spec.attributes, **addresses}

    def run(work: Work) -> Facts:
        kernelver = choose_kernel(work.target, spec.kernelver, spec.osarch)
        before = read_fstab(work.target)
        run_scripts(spec.image, spec.attributes, scripts, work.target, kernelver, work.report)
        for line in fstab_changes(before, read_fstab(work.target)):
            work.report.log(line)
        epoch = int(work.facts(PACKAGES)["epoch"])
        # Afterwards nothing but its content would tell a file from another of the same size.
        content = written(work.target, epoch)
        stamp(work.target, epoch)
        return {"written": hmac.new(spec.key(), content, "sha256").hexdigest()}

    return Step(
        "postinstall",
        "run postinstall scripts",
        {"scripts": inputs(scripts), "environment": environment(spec.image, told, Path(TREE), spec.kernelver)},
        "tree",
        TREE,
        on=("configure",),
        version=2,
        summary=" ".join(one.path.name for one in scripts),
        total=len(scripts),
        always=not declared(scripts),
        run=run,
    )


def kernel_step(spec: Described, tree: str) -> Step:
    """Return the step that takes the kernel out of the tree."""

    def run(work: Work) -> Facts:
        kernelver = choose_kernel(work.path(TREE), spec.kernelver, spec.osarch)
        shutil.copyfile(kernel_file(work.path(TREE), kernelver, spec.osarch), work.target)
        return {"kernelver": kernelver}

    which = spec.kernelver or "the newest"
    return Step("kernel", "take the kernel", spec.kernelver, "file", KERNEL, on=(tree,), summary=which, run=run)


def initrd_step(spec: Described, tree: str, *, anew: bool) -> Step:
    """Return the step that builds the initrd, or keeps the old one, unless `anew`, where it was made of the same."""
    drivers = spec.drivers or DEFAULT_DRIVERS
    kinds = root_kinds(spec.attributes)

    def run(work: Work) -> Facts:
        kernelver = str(work.facts(KERNEL)["kernelver"])
        of = kept.made_of(work.path(TREE), [kernelver, data])
        if not anew and kept.keep(work.path(INITRD), work.facts(INITRD), of, work.target):
            work.report.log("initrd: kept, as all that it is made of is the same")
        else:
            build_initrd(work.path(TREE), kernelver, drivers, work.target, kinds=kinds, report=work.report)
        return {**of, **kept.sum_of(work.target), "scripts": sorted(data["files"])}

    native = runs_here(architecture(spec.osarch).machine)
    data = {
        "drivers": list(drivers),
        **({"root kinds": {name: kind._asdict() for name, kind in kinds.items()}} if kinds else {}),
        "files": _hashes(below(resources.templates() / "initrd")),
        # For another machine it is that of the tree.
        "busybox": _hashes({str(path): path.read_bytes() for path in host_busyboxes()} if native else {}),
    }
    what = f"{len(drivers)} driver" + ("" if len(drivers) == 1 else "s")
    return Step("initrd", "build the initrd", data, "file", INITRD, on=(tree, "kernel"), summary=what, run=run)


def manifest_step(asked: Asked, tree: str) -> Step:
    """Return the step that writes down which packages the tree holds."""
    image, recorded = asked.spec.image, asked.recorded

    def run(work: Work) -> None:
        work.target.write_text(installed.of_record(work.path(TREE), image, recorded).to_json())

    data = {"image": image, **recorded}
    return Step("manifest", "list the packages", data, "file", MANIFEST, on=(tree,), beside=True, run=run)


def _about(manager: PackageManager, resolution: Resolution) -> str:
    """Return what the packages are for and from where; of a container, which one it is now."""
    digest = resolution.container.digest if resolution.container else ""
    return f"{manager.about}@{digest[:_DIGEST]}" if digest else manager.about


def _packages(resolution: Resolution) -> str:
    return f"{len(resolution.packages)} package" + ("" if len(resolution.packages) == 1 else "s")


def _in_passes(passes: Sequence[PackagePass]) -> str:
    """Return what each pass asks for, when there are several."""
    if len(passes) < 2:
        return ""
    shown = (" ".join(one.packages[:_SHOWN]) + (" …" if len(one.packages) > _SHOWN else "") for one in passes)
    return f", {len(passes)} passes: " + "; ".join(shown)


def _without(resolution: Resolution) -> str:
    names = " ".join(one.name for one in resolution.removed)
    return f", then without {names}" if names else ""


def _hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
