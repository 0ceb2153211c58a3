"""Install exactly the resolved packages into a new tree, by mmdebstrap from a repository that holds nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from sbkernel import resources
from sbkernel.architectures import architecture
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.families.debian import mmdebstrap
from sbkernel.images.families.debian.archives import repository, spared
from sbkernel.images.families.debian.level import level
from sbkernel.images.families.debian.output import PackageCounter
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.downloads import Downloads, differences
from sbkernel.images.families.package_manager import PackagePass
from sbkernel.images.families.resolved import Resolution, Resolved
from sbkernel.images.tree import leveled
from sbkernel.images.tree.emulation import emulated
from sbkernel.images.tree.namespaces import scripts_environment
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages.readers.deb import dpkg


def install(
    resolution: Resolution,
    downloads: Downloads,
    release: DebianRelease,
    passes: Sequence[PackagePass],
    tree: Path,
    report: Report,
) -> dict[str, object]:
    """Build `tree` from the fetched packages; return `epoch` and what is in it, to be recorded with it.

    apt chooses again inside, but from these packages alone: a mirror that has moved since cannot change the outcome.
    """
    packages = resolution.packages
    epoch = newest(downloads.path(package) for package in packages)
    hooks = hook_files(release)[0].parent
    with (
        repository(packages, downloads, release.codename, tree.with_name("packages")) as place,
        spared(packages, release.codename, place),
    ):
        argv = mmdebstrap.argv(
            tree,
            codename=release.codename,
            architecture=release.architecture,
            source=f"deb [trusted=yes] copy:{quote(str(place))} ./",
            passes=passes,
            hooks=hooks,
            removed=[package.name for package in resolution.removed],
            foreign=bool(emulated(release.osarch)),
            merge=mmdebstrap.merging(release, {package.name for package in packages}, hooks),
        )
        env = mmdebstrap.environment(
            scratch=tree.parent,
            repository=place,
            preload=preload(release.osarch, packages),
            epoch=epoch,
            first=passes[0] if passes else None,
        )
        _follow([*emulated(release.osarch), *argv], env, len(packages), report)
    level(tree, epoch)
    refuse_difference(resolution.kept, tree)
    return {"epoch": epoch, "packages": [str(package) for package in resolution.kept]}


def following(total: int, report: Report) -> Callable[[str], None]:
    """Return who reads what dpkg says, line by line, and tells how far it is."""
    counter = PackageCounter(total)

    def follow(line: str) -> None:
        report.log(line)
        if (doing := counter.feed(line)) is not None:
            report.progress(counter.done, counter.total, doing)

    return follow


def _follow(argv: Sequence[str], env: Mapping[str, str], total: int, report: Report) -> None:
    try:
        run(argv, env=scripts_environment(env), on_line=following(total, report), isolated=True)
    except CommandError as error:
        raise BuildError(f"the packages could not be installed:\n{error.tail}") from error


def refuse_difference(expected: Iterable[object], tree: Path) -> None:
    """Raise BuildError, naming what differs, unless exactly these packages are in a tree."""
    if lines := differences(expected, dpkg.installed(tree)):
        raise BuildError(
            "what was installed is not what was resolved:\n" + "\n".join(lines),
            hint="the packages of one pass exclude what those of another need: name what you want in the first",
        )


def hook_files(release: DebianRelease) -> list[Path]:
    """Return the scripts that mmdebstrap runs, and those that run when it is done."""
    folder = resources.templates() / "families" / "debian"
    merge = (mmdebstrap.MERGE,) if release.unmerged else ()
    scripts = ("setup.sh", "extract.sh", "essential.sh", "customize.sh", *merge, "level.py")
    return [*(folder / name for name in scripts), leveled.SCRIPT]


def preload(osarch: str, packages: Iterable[Resolved]) -> Path | None:
    """Return the host's libeatmydata if its code runs in the image; it makes dpkg not wait for the disk."""
    machine = architecture(osarch).machine
    library = next(Path("/usr/lib").glob(f"{machine}-linux-gnu/libeatmydata.so"), None)
    if library is None:
        return None
    needed = max(map(_numbers, re.findall(rb"GLIBC_([0-9.]+)", library.read_bytes())), default=())
    there = max((_numbers(one.version.encode()) for one in packages if one.name == "libc6"), default=())
    return library if there >= needed else None


def _numbers(version: bytes) -> tuple[int, ...]:
    """Return the version of a C library as numbers: 2.31-13 is 2, 31."""
    return tuple(map(int, re.findall(rb"\d+", version.partition(b"-")[0])))


def newest(archives: Iterable[Path]) -> int:
    """Return when the newest of the packages was made, in seconds since the epoch; it says so itself (deb(5))."""
    return max(map(_made, archives), default=0)


def _made(archive: Path) -> int:
    with archive.open("rb") as file:
        header = file.read(len(b"!<arch>\n") + 60)
    return int(header[24:36])
