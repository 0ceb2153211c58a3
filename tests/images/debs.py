"""Real Debian packages and a repository of them, made by the tests."""

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sbkernel.images.families import family_of
from sbkernel.images.families.debian import apt, records
from sbkernel.images.families.debian import sources as apt_sources
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.debian.output import archive_name
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.resolved import Resolution, Resolved
from sbkernel.jobs.report import NullReport
from sbkernel.lists import pkglist
from sbkernel.site import Site

NO_LIST = pkglist.parse("")
KERNELS = ("6.1.0-9-test", "6.1.0-10-test")


def make_deb(
    directory: Path, name: str, files: Mapping[str, str] | None = None, made: int = 1_700_000_000, **fields: str
) -> None:
    """Make a package of some files, `made` then; `fields` such as Version and Depends go into its control file."""
    root = directory / f".{name}"
    control = {"Package": name, "Version": "1.0", "Architecture": "all", "Maintainer": "t <t@t.invalid>", **fields}
    control["Description"] = "made by a test"
    texts = {"DEBIAN/control": "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in control.items()), **(files or {})}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for script in ("preinst", "postinst", "prerm", "postrm"):
        if (root / "DEBIAN" / script).exists():
            (root / "DEBIAN" / script).chmod(0o755)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", root, directory],
        check=True, capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(made)},
    )  # fmt: skip


def make_kernel(directory: Path, version: str) -> None:
    """Make a package with what genimage takes of a kernel; nothing in it runs."""
    modules = f"usr/lib/modules/{version}/modules"
    files = {f"boot/vmlinuz-{version}": f"kernel {version}", f"{modules}.dep": "kernel/a.ko:\n"}
    make_deb(directory, f"linux-image-{version}", files)


def index(directory: Path, *options: str) -> None:
    """Make the packages of a directory a repository; without --multiversion, of the newest of each.

    HTTP tells in whole seconds when a file was changed, so an index that is replaced gets a later one.
    """
    packages = subprocess.run(
        ["dpkg-scanpackages", *options, "."], cwd=directory, check=True, capture_output=True, text=True
    )
    file = directory / "Packages"
    later = file.stat().st_mtime + 1 if file.exists() else 0.0
    file.write_text(packages.stdout)
    if later > file.stat().st_mtime:
        os.utime(file, (later, later))


def make_repository(directory: Path) -> None:
    """Make a repository of two kernels and a few packages."""
    for version in KERNELS:
        make_kernel(directory, version)
    make_deb(directory, "own-tool", {"usr/bin/own-tool": "#!/bin/sh\n"})
    make_deb(directory, "own-later", {"usr/share/own-later": "x"}, Depends="own-tool")
    index(directory)


def pkgdir(directory: Path, codename: str = "bookworm", architecture: str = "amd64") -> str:
    """Return a pkgdir of the host's sources, as they are for a release, and one directory."""
    entries = []
    for source in apt_sources.for_release(apt.host_sources(), "bookworm", architecture):
        signed = f"[signed-by={source.option('Signed-By')}] " if source.option("Signed-By").startswith("/") else ""
        entries.append(
            f"{signed}{source.uri} {source.suite.replace('bookworm', codename)} {' '.join(source.components)}"
        )
    return ",".join([*entries, str(directory)])


def copy_base(site: Site, place: Path) -> None:
    """Copy the base system from the host's own mirror into a directory and make it a repository."""
    index(place)
    copy_packages(site, place, Request({"osvers": "debian12", "osarch": "x86_64", "pkgdir": pkgdir(place)}, NO_LIST))


def copy_packages(site: Site, place: Path, request: Request, only: Collection[str] = ()) -> None:
    """Copy what a request brings into a directory and make it a repository; `only` these and what they need."""
    manager = family_of("debian12").open(site, request)
    assert isinstance(manager, AptManager)
    resolution = manager.resolve(NullReport())
    if only:
        wanted = needed(resolution.packages, only)
        resolution = Resolution(tuple(one for one in resolution.packages if one.name in wanted))
    manager.fetch(resolution, NullReport())
    for package in resolution.packages:
        (copy := place / archive_name(package)).unlink(missing_ok=True)
        copy.hardlink_to(manager.downloads.path(package))
    (place / "Packages").write_text(records.index(resolution.packages, archive_name))


def needed(packages: Sequence[Resolved], names: Collection[str]) -> set[str]:
    """Return the names of packages and of what they need."""
    needs = {one.package.name: one.needs for one in records.candidates(list(packages))}
    found: set[str] = set()
    todo = list(names)
    while todo:
        if (name := todo.pop()) not in found and name in needs:
            found.add(name)
            todo += needs[name]
    return found


def archive(top: Path, suite: str, packages: Mapping[str, Mapping[str, str]], label: str) -> None:
    """Write an archive of empty packages with such control fields."""
    pool = top / "pool" / suite
    pool.mkdir(parents=True, exist_ok=True)
    for name, fields in packages.items():
        make_deb(pool, name, **fields)
    dists = top / "dists" / suite
    index = dists / "main/binary-amd64/Packages"
    index.parent.mkdir(parents=True, exist_ok=True)
    scanned = subprocess.run(
        ["dpkg-scanpackages", "--multiversion", f"pool/{suite}"], cwd=top, check=True, capture_output=True, text=True
    )
    index.write_text(scanned.stdout)
    release = subprocess.run(
        ["apt-ftparchive", f"-oAPT::FTPArchive::Release::Label={label}", f"-oAPT::FTPArchive::Release::Suite={suite}",
         "-oAPT::FTPArchive::Release::Components=main", "-oAPT::FTPArchive::Release::Architectures=amd64",
         f"-oAPT::FTPArchive::Release::Codename={suite}", "release", str(dists)],
        check=True, capture_output=True,
    )  # fmt: skip
    (dists / "Release").write_bytes(release.stdout)
