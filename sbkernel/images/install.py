"""Build a layer: download the packages, run mmdebstrap, count what it does."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.images import apt, mmdebstrap
from sbkernel.images.apt import Apt, Resolution
from sbkernel.images.apt_output import PackageCounter, Resolved
from sbkernel.images.inputs import hook_files
from sbkernel.images.spec import ImageSpec
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages.readers.deb import dpkg

_MULTIARCH = {"amd64": "x86_64", "arm64": "aarch64", "ppc64el": "powerpc64le", "i386": "i386"}


def install(spec: ImageSpec, private: Apt, resolution: Resolution, target: Path, report: Report) -> Mapping[str, Any]:
    """Build the tree `target` with exactly the resolved packages; return facts to record with the layer."""
    started = time.monotonic()
    with report.phase("download packages", len(resolution.packages)):
        archives = private.download(spec.packages, resolution, report)
    epoch = apt.newest(archives)
    with report.phase("install packages", len(resolution.packages)):
        _mmdebstrap(spec, private, archives, target, epoch, report)
    _compare(resolution.packages, target, report)
    return {
        "epoch": epoch,
        "packages": [str(package) for package in resolution.packages],
        "seconds": round(time.monotonic() - started, 1),
    }


def _mmdebstrap(
    spec: ImageSpec, private: Apt, archives: Sequence[Path], target: Path, epoch: int, report: Report
) -> None:
    listing = target.with_name("packages.txt")
    listing.write_text("".join(f"{path}\n" for path in archives))
    argv = mmdebstrap.argv(
        target,
        codename=spec.release.codename,
        architecture=spec.release.architecture,
        sources=private.sources_file,
        passes=spec.passes,
        hooks=hook_files()[0].parent,
    )
    env = mmdebstrap.environment(
        scratch=target.parent,
        lists=private.lists,
        preferences=private.preferences_file,
        packages=listing,
        preload=preload(spec.release.architecture),
        epoch=epoch,
        first=spec.passes[0] if spec.passes else None,
    )
    counter = PackageCounter(len(archives))

    def follow(line: str) -> None:
        report.log(line)
        if (doing := counter.feed(line)) is not None:
            report.progress(counter.done, counter.total, doing)

    try:
        run(argv, env=env, on_line=follow, isolated=True)
    except CommandError as error:
        raise BuildError(f"the packages could not be installed:\n{error.tail}") from error


def preload(architecture: str) -> Path | None:
    """Return the host's libeatmydata if its code runs in the image; it makes dpkg not wait for the disk."""
    triplet = f"{_MULTIARCH.get(architecture, '')}-linux-gnu"
    library = Path("/usr/lib", triplet, "libeatmydata.so")
    return library if library.exists() else None


def _compare(expected: Sequence[Resolved], target: Path, report: Report) -> None:
    """Log how the tree differs from the resolution; apt may solve two runs unlike one."""
    got = {f"{package.name}={package.version}:{package.arch}" for package in dpkg.installed(target)}
    wanted = {str(package) for package in expected}
    for sign, names in (("+", got - wanted), ("-", wanted - got)):
        for name in sorted(names):
            report.log(f"{sign} {name}: not as resolved")
