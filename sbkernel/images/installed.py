"""Read what is installed in a root tree: dpkg's database, or rpm's through rpm itself; the tree is not changed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sbkernel.errors import BuildError, CommandError, NotFoundError
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.run import run
from sbkernel.packages import aptlists, debcopyright, dnf, dpkg, manifest, rpm, treefile
from sbkernel.packages.dpkg import Known, Origin
from sbkernel.packages.manifest import Manifest, Release
from sbkernel.packages.package import DEB, RPM, Package
from sbkernel.packages.rpm import Reasons

# Debian's own rpm keeps its database in the home directory of root.
RPM_DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm", "root/.rpmdb")
RPM_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")  # sqlite, ndb, bdb
OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
# All that a manifest is made of; apt's lists are 50 MB, and no packed image keeps them.
WANTED = (
    *OS_RELEASE, dpkg.STATUS, dpkg.EXTENDED_STATES, f"{debcopyright.PLACE}/*/copyright",
    *RPM_DATABASES, f"{dnf.HISTORY}*", *dnf.STATES, dnf.AUTO_INSTALLED,
)  # fmt: skip
APT_HELPER = Path("/usr/lib/apt/apt-helper")

Read = tuple[list[Package], list[str], str, Path]


class NoDatabaseError(NotFoundError):
    """A tree has no database of dpkg or rpm."""


def of_tree(tree: Path, *, name: str = "", kind: str = "tree", made: int = 0, known: Known | None = None) -> Manifest:
    """Return what is installed in a root tree, by dpkg or else by rpm; nothing in the tree is changed.

    `known` adds what the tree itself does not tell. `made` is the time of the package database unless it is given.
    Raises NoDatabaseError when the tree has no package database, BuildError when that cannot be read.
    """
    read = _of_dpkg(tree, known) or _of_rpm(tree)
    if read is None:
        raise NoDatabaseError(f"{tree} has no package database", hint="is it a root tree of dpkg or rpm?")
    packages, warnings, family, database = read
    made = made or int(database.stat().st_mtime)
    return manifest.manifest(
        packages,
        family=family,
        name=name or str(tree),
        kind=kind,
        release=_release(tree),
        made=made,
        warnings=warnings,
    )


def of_built(built: RootimgDir, image: str, made: int = 0) -> Manifest:
    """Return what is in a tree that genimage built, with what it has recorded: who was asked for, where it came from.

    A tree without a package database has an empty manifest.
    """
    record = built.record()
    asked = record.get("asked")
    origins = {name: Origin(*origin) for name, origin in record.get("origins", {}).items()}
    known = Known(asked=None if asked is None else frozenset(asked), origins=origins)
    try:
        return of_tree(built.tree, name=image, kind="image", made=made, known=known)
    except NoDatabaseError:
        return manifest.manifest([], name=image, kind="image", made=made, release=_release(built.tree))


def _release(tree: Path) -> Release:
    texts = (treefile.read(tree, name) for name in OS_RELEASE)
    return next((treefile.release(text) for text in texts if text), Release())


def _of_dpkg(tree: Path, known: Known | None) -> Read | None:
    file = treefile.find(tree, dpkg.STATUS)
    if file is None or not file.is_file():
        return None
    status = file.read_text(errors="replace")
    packages, warnings = dpkg.packages(status, _known(tree, status, known or Known()))
    return packages, warnings, DEB, file


def _known(tree: Path, status: str, known: Known) -> Known:
    states = treefile.read(tree, dpkg.EXTENDED_STATES)
    doc = treefile.find(tree, debcopyright.PLACE)
    return Known(
        auto=known.auto if states is None else dpkg.auto_installed(states),
        asked=known.asked,
        licences=known.licences or (debcopyright.of_tree(doc) if doc else {}),
        origins=known.origins or _origins(tree, status),
    )


def _origins(tree: Path, status: str) -> Mapping[str, Origin]:
    directory = treefile.find(tree, aptlists.PLACE)
    files = sorted(directory.glob(aptlists.PATTERN)) if directory else []
    if not files:
        return {}
    wanted = {str(package) for package in dpkg.packages(status)[0]}
    return aptlists.origins(((file.name, _cat(file)) for file in files), wanted)


def _cat(file: Path) -> str:
    """Return the text of a list, which apt may keep packed in any way it knows."""
    return run([APT_HELPER, "cat-file", file], check=False).stdout


def _of_rpm(tree: Path) -> Read | None:
    found = (treefile.find(tree, f"{place}/{file}") for place in RPM_DATABASES for file in RPM_FILES)
    database = next((path.parent for path in found if path is not None), None)
    if database is None:
        return None
    return rpm.packages(_query(database), _reasons(tree)), [], RPM, database


def _query(database: Path) -> str:
    """Run rpm on a copy: it writes beside the database that it reads, and must not read macros of this host's user."""
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        copy = Path(directory)
        _copy_files(database, copy)
        argv = ["rpm", "--dbpath", str(copy), "--query", "--all", "--queryformat", rpm.QUERY]
        try:
            output = run(argv, env={"HOME": str(copy)}).stdout
        except CommandError as error:
            raise BuildError(f"the rpm database {database} cannot be read:\n{error.tail}") from error
        _check_kind(database, copy)
        return output


def _check_kind(database: Path, copy: Path) -> None:
    """Refuse a database that rpm passed over: it then made an empty one of its own kind, and said nothing."""
    known, *others = RPM_FILES
    if (copy / known).exists() and not (database / known).exists():
        kinds = [name for name in others if (database / name).exists()]
        raise BuildError(
            f"the rpm database {database} is of a kind that the rpm of this machine does not read: {', '.join(kinds)}",
            hint="take the manifest of a node that runs the image",
        )


def _copy_files(source: Path, target: Path) -> None:
    for file in source.iterdir():
        if file.is_file() and not file.is_symlink():
            shutil.copyfile(file, target / file.name)


def _reasons(tree: Path) -> Reasons:
    history = treefile.find(tree, dnf.HISTORY)
    if history is not None:
        with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
            for file in history.parent.glob(f"{history.name}*"):
                shutil.copyfile(file, Path(directory) / file.name)
            return dnf.of_history(Path(directory) / history.name)
    states = [treefile.read(tree, name) for name in dnf.STATES]
    if any(states):
        return dnf.of_states(*(text or "" for text in states))
    auto = treefile.read(tree, dnf.AUTO_INSTALLED)
    return Reasons() if auto is None else dnf.of_auto_installed(auto)
