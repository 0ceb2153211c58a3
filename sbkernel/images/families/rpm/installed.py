"""Read what rpm has installed in a tree, through rpm itself on a copy of its database, and dnf's reasons."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.families.package_manager import Installed, Recorded
from sbkernel.jobs.run import run
from sbkernel.packages import dnf, rpm, treefile
from sbkernel.packages.package import RPM
from sbkernel.packages.rpm import Reasons

# Debian's own rpm keeps its database in the home directory of root.
DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm", "root/.rpmdb")
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")  # sqlite, ndb, bdb
WANTED = (*DATABASES, f"{dnf.HISTORY}*", *dnf.STATES, dnf.AUTO_INSTALLED)
"""All that this reads of a packed image."""


def installed(tree: Path, _recorded: Recorded) -> Installed | None:
    """Return what is installed by rpm's database, None when the tree has none; nothing is changed."""
    database = _database(tree)
    if database is None:
        return None
    return Installed(rpm.packages(_query(database), _reasons(tree)), RPM, int(database.stat().st_mtime))


def database_time(tree: Path) -> int | None:
    """Return when rpm wrote its database last, in seconds since the epoch; None when the tree has none."""
    database = _database(tree)
    return None if database is None else int(database.stat().st_mtime)


def _database(tree: Path) -> Path | None:
    found = (treefile.find(tree, f"{place}/{file}") for place in DATABASES for file in FILES)
    return next((path.parent for path in found if path is not None), None)


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
    known, *others = FILES
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
