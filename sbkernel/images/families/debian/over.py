"""Add exactly the resolved packages to a tree that is there, such as a container, by this host's apt and its dpkg."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made
from sbkernel.images.families.debian import mmdebstrap
from sbkernel.images.families.debian.archives import repository
from sbkernel.images.families.debian.install import following, newest, refuse_difference
from sbkernel.images.families.debian.level import level
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.package_manager import PackagePass
from sbkernel.images.families.resolved import Base, Resolution
from sbkernel.images.layers.over import changing
from sbkernel.images.tree.namespaces import enter, scripts_environment
from sbkernel.jobs.report import Report
from sbkernel.packages.readers.deb import dpkg

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 1


def check(base: Base) -> None:
    """Raise BuildError for a tree that dpkg has not filled; one that is not there yet is not looked at."""
    if base.tree != Path() and not (base.tree / dpkg.STATUS).is_file():
        hint = "correct osvers, or take a container of the whole distribution: some leave the database out"
        raise BuildError("the container has no package database of dpkg, so nothing can be added to it", hint=hint)


def inputs(resolution: Resolution, base: Base, passes: Sequence[PackagePass]) -> dict[str, Any]:
    """Return all that the tree depends on beside the base itself."""
    files = (_script(), _script().with_name("level.py"))
    return {
        "version": VERSION,
        "base": base.digest,
        "passes": mmdebstrap.passes_data(passes),
        "packages": {str(package): package.sha256 for package in resolution.packages},
        "scripts": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }


def install(
    resolution: Resolution,
    downloads: Downloads,
    release: DebianRelease,
    passes: Sequence[PackagePass],
    base: Base,
    tree: Path,
    report: Report,
) -> dict[str, Any]:
    """Make `tree` of a base and the fetched packages; return the same facts as install().

    apt chooses again, in the order that it wants, but from these packages alone. Whatever the base has not been asked
    to change stays a hard link to it.
    """
    packages = resolution.packages
    epoch = max(base.epoch, newest(downloads.path(one) for one in packages))
    follow = following(len(packages), report)
    env = {**mmdebstrap.SCRIPTS, "SOURCE_DATE_EPOCH": str(epoch)}
    with (
        repository(packages, downloads, release.codename, tree.with_name("packages")) as place,
        changing(base.tree, tree, report) as view,
    ):
        for name in ("lists/partial", "archives/partial", "cache", "log"):
            made(place / name)
        for one in passes if packages else ():
            argv = ["sh", str(_script()), str(view.tree), str(place), release.architecture, *one.packages]
            try:
                enter(
                    view.tree,
                    argv,
                    env=scripts_environment({**env, **dict(one.env)}),
                    on_line=follow,
                    before=view.within,
                )
            except CommandError as error:
                raise BuildError(f"the packages could not be installed:\n{error.tail}") from error
    level(tree, epoch)
    expected = _expected(resolution, base)
    refuse_difference(expected, tree)
    return {"epoch": epoch, "packages": sorted(expected)}


def _expected(resolution: Resolution, base: Base) -> list[str]:
    """Return what the tree must hold: the packages of the base, those that came in the place of theirs."""
    coming = {(one.name, one.architecture): str(one) for one in resolution.kept}
    there = {(one.name, one.arch): str(one) for one in dpkg.installed(base.tree)}
    # A package may have become one for all architectures, or none.
    names = {name for name, _ in coming}
    return [*(text for (name, _), text in there.items() if name not in names), *coming.values()]


def _script() -> Path:
    return resources.templates() / "families" / "debian" / "over.sh"
