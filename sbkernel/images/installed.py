"""Read what is installed in a root tree: dpkg's database, or rpm's through rpm itself; the tree is not changed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

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

Read = tuple[list[Package], list[str], str]


class NoDatabaseError(NotFoundError):
    """A tree has no database of dpkg or rpm."""


def of_tree(tree: Path, *, name: str = "", kind: str = "tree", known: Known | None = None) -> Manifest:
    """Return what is installed in a root tree, by dpkg or else by rpm; nothing in the tree is changed.

    `known` adds what the tree itself does not tell. The manifest was made when the package database was.
    Raises NoDatabaseError when the tree has no package database, BuildError when that cannot be read.
    """
    database = _database(tree)
    if database is None:
        raise NoDatabaseError(f"{tree} has no package database", hint="is it a root tree of dpkg or rpm?")
    packages, warnings, family = _of_dpkg(tree, database, known) if database.is_file() else _of_rpm(tree, database)
    return manifest.manifest(
        packages,
        family=family,
        name=name or str(tree),
        kind=kind,
        release=_release(tree),
        made=_time(database),
        warnings=warnings,
    )


def of_built(built: RootimgDir, image: str) -> Manifest:
    """Return what is in a tree that genimage built; its own manifest, unless the package database has changed since."""
    record = built.record()
    database = _database(built.tree)
    if record and database and built.manifest.exists():
        found = manifest.from_json(built.manifest.read_text(), built.manifest)
        if found.made == _time(database):
            return replace(found, name=image)
    return of_record(built.tree, image, record)


def of_record(tree: Path, image: str, record: Mapping[str, Any]) -> Manifest:
    """Return what is in a tree with what genimage has recorded: who was asked for, where it came from.

    A tree without a package database has an empty manifest.
    """
    asked = record.get("asked")
    origins = {name: Origin(*origin) for name, origin in record.get("origins", {}).items()}
    known = Known(asked=None if asked is None else frozenset(asked), origins=origins)
    try:
        return of_tree(tree, name=image, kind="image", known=known)
    except NoDatabaseError:
        return manifest.manifest([], name=image, kind="image", release=_release(tree))


def _database(tree: Path) -> Path | None:
    """Return dpkg's status file, or the directory of rpm's database."""
    status = treefile.find(tree, dpkg.STATUS)
    if status is not None and status.is_file():
        return status
    found = (treefile.find(tree, f"{place}/{file}") for place in RPM_DATABASES for file in RPM_FILES)
    return next((path.parent for path in found if path is not None), None)


def _time(database: Path) -> int:
    return int(database.stat().st_mtime)


def _release(tree: Path) -> Release:
    texts = (treefile.read(tree, name) for name in OS_RELEASE)
    return next((treefile.release(text) for text in texts if text), Release())


def _of_dpkg(tree: Path, database: Path, known: Known | None) -> Read:
    status = database.read_text(errors="replace")
    packages, warnings = dpkg.packages(status, _known(tree, status, known or Known()))
    return packages, warnings, DEB


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


def _of_rpm(tree: Path, database: Path) -> Read:
    return rpm.packages(_query(database), _reasons(tree)), [], RPM


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
