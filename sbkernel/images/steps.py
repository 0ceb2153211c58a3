"""What every step of a build depends on; the digests of these inputs name the steps. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.images import apt_conf, apt_sources, configure, mmdebstrap
from sbkernel.images.apt_output import Resolved
from sbkernel.images.initrd import DEFAULT_DRIVERS
from sbkernel.images.plan import Draft
from sbkernel.images.spec import ImageSpec

TREE = ("packages", "configure", "postinstall")
"""The steps whose outcome is the root tree; if one has to run, all run, from the layer of packages on."""


@dataclass(frozen=True)
class Inputs:
    """The bytes a plan covers beside the osimage itself, by name."""

    hooks: Mapping[str, bytes]
    root: Mapping[str, bytes]
    configure: bytes
    fstab: str
    fstab_origin: str
    keyrings: Mapping[str, bytes]
    scripts: Mapping[str, bytes]
    initrd: Mapping[str, bytes]


def drafts(spec: ImageSpec, resolved: Sequence[Resolved], inputs: Inputs) -> list[Draft]:
    """Return all steps that build an image, in order."""
    return [packages_draft(spec, resolved, inputs), configure_draft(spec, inputs), *later_drafts(spec, inputs)]


def later_drafts(spec: ImageSpec, inputs: Inputs) -> list[Draft]:
    """Return the steps after the tree is configured."""
    return [postinstall_draft(spec, inputs), *boot_drafts(spec, inputs)]


def boot_drafts(spec: ImageSpec, inputs: Inputs) -> list[Draft]:
    """Return the steps that make kernel and initrd out of a finished tree."""
    return [kernel_draft(spec), initrd_draft(spec, inputs)]


def packages_draft(spec: ImageSpec, resolved: Sequence[Resolved], inputs: Inputs) -> Draft:
    """Return the step whose outcome is a layer: nothing of the image's name or place is in it."""
    data = {
        "release": [spec.release.codename, spec.release.architecture],
        "sources": apt_sources.render(spec.sources),
        "passes": mmdebstrap.passes_data(spec.passes),
        "resolved": [f"{package} {package.sha256}" for package in resolved],
        "hooks": _hashes(inputs.hooks),
        "apt": [apt_conf.BUILD_OPTIONS, apt_conf.PREFERENCES],
    }
    what = f"{spec.release.codename} {spec.release.architecture}, {_count(len(spec.sources), 'source')}"
    title = f"install {_count(len(resolved), 'package')}"
    return Draft("packages", title, mmdebstrap.VERSION, data, what)


def configure_draft(spec: ImageSpec, inputs: Inputs) -> Draft:
    """Return the step that makes a tree of packages a stateless root."""
    laid = configure.files(inputs.root, inputs.fstab, spec.sources)
    data = {"files": _hashes({**laid, **inputs.keyrings}), "script": _hash(inputs.configure)}
    return Draft("configure", "configure", configure.VERSION, data, f"{len(laid)} files, fstab: {inputs.fstab_origin}")


def postinstall_draft(spec: ImageSpec, inputs: Inputs) -> Draft:
    """Return the step that runs the site's own scripts."""
    data = {
        "calls": [[_hash(inputs.scripts[script]), *arguments] for script, *arguments in spec.postinstall],
        "image": [spec.image, spec.osvers, spec.osarch, spec.profile] if spec.postinstall else [],
    }
    names = " ".join(Path(script).name for script, *_ in spec.postinstall)
    return Draft("postinstall", "run postinstall scripts", 1, data, names or "none")


def kernel_draft(spec: ImageSpec) -> Draft:
    """Return the step that takes the kernel out of the tree."""
    return Draft("kernel", "take the kernel", 1, spec.kernelver, spec.kernelver or "the newest")


def initrd_draft(spec: ImageSpec, inputs: Inputs) -> Draft:
    """Return the step that builds the initrd."""
    drivers = spec.drivers or DEFAULT_DRIVERS
    data = {"drivers": list(drivers), "files": _hashes(inputs.initrd)}
    return Draft("initrd", "build the initrd", 1, data, f"{_count(len(drivers), 'driver')}")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _hash(data) for name, data in contents.items()}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
