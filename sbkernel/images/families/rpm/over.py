"""The package database of a tree that is there, such as a container: checked, and read without writing beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import made, write_whole
from sbkernel.images.families.resolved import Base, Resolved
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.tree.installed import of_tree

_FILE = "rpmdb.sqlite"
_BESIDE = "kernel"
_MODULES = "etc/dnf/modules.d"


def check(base: Base, release: RpmRelease) -> None:
    """Raise BuildError for a tree to whose package database nothing can be added from here."""
    if release.records == "zypp" or release.backend != "sqlite":
        raise BuildError(
            "not supported yet: a container of a release with zypper, or whose package database is not sqlite",
            hint="Debian, Ubuntu, EL 9 and later and Fedora 36 and later can be added to",
        )
    if base.tree != Path() and not (base.tree / release.database / _FILE).is_file():
        raise BuildError(
            f"the container has no package database of rpm, /{release.database}/{_FILE}: nothing can be added to it",
            hint="correct osvers, or take a container of the whole distribution: some leave the database out",
        )


@contextmanager
def readable_root(base: Base, release: RpmRelease, directory: Path) -> Iterator[Path]:
    """Yield a root that has of the tree what a solver reads, and rpm's macros for it; it may be written to."""
    with tempfile.TemporaryDirectory(prefix=".over-", dir=made(directory)) as place:
        root = Path(place)
        shutil.copyfile(base.tree / release.database / _FILE, made(root / release.database) / _FILE)
        for file in (base.tree / _MODULES).glob("*.module"):
            shutil.copyfile(file, made(root / _MODULES) / file.name)
        write_whole(root / ".rpmmacros", f"%_dbpath /{release.database}\n%_db_backend sqlite\n")
        yield root


def expected(kept: Sequence[Resolved], base: Base, tree: Path) -> list[str]:
    """Return what a tree must hold: the packages of the base, and those that came, beside or in the place of theirs.

    Kernels of several versions may stand side by side.
    """
    coming = {(one.name, one.architecture) for one in kept}
    beside = {str(one) for one in of_tree(tree).packages if one.name.startswith(_BESIDE)}
    there = of_tree(base.tree).packages
    stay = {str(one) for one in there if (one.name, one.arch) not in coming or str(one) in beside}
    return sorted({*stay, *map(str, kept)})
