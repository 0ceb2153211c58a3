"""Read what dpkg has installed in a tree: its database, what apt booked, licences, package lists if any are left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sbkernel.images.families.debian.download import HELPER
from sbkernel.images.families.package_manager import Installed, Recorded
from sbkernel.jobs.run import run
from sbkernel.packages import aptlists, debcopyright, dpkg, treefile
from sbkernel.packages.dpkg import Known, Origin
from sbkernel.packages.package import DEB

WANTED = (dpkg.STATUS, dpkg.EXTENDED_STATES, f"{debcopyright.PLACE}/*/copyright")
"""All that this reads of a packed image; apt's lists are 50 MB, and no packed image keeps them."""


def installed(tree: Path, recorded: Recorded) -> Installed | None:
    """Return what is installed by dpkg's database, None when the tree has none; nothing is changed."""
    database = _database(tree)
    if database is None:
        return None
    status = database.read_text(errors="replace")
    packages, warnings = dpkg.packages(status, _known(tree, status, recorded))
    return Installed(packages, DEB, int(database.stat().st_mtime), warnings)


def database_time(tree: Path) -> int | None:
    """Return when dpkg wrote its database last, in seconds since the epoch; None when the tree has none."""
    database = _database(tree)
    return None if database is None else int(database.stat().st_mtime)


def _database(tree: Path) -> Path | None:
    status = treefile.find(tree, dpkg.STATUS)
    return status if status is not None and status.is_file() else None


def _known(tree: Path, status: str, recorded: Recorded) -> Known:
    states = treefile.read(tree, dpkg.EXTENDED_STATES)
    doc = treefile.find(tree, debcopyright.PLACE)
    origins = {name: Origin(*origin) for name, origin in recorded.origins.items()}
    return Known(
        auto=None if states is None else dpkg.auto_installed(states),
        asked=recorded.asked,
        licences=debcopyright.of_tree(doc) if doc else {},
        origins=origins or _origins(tree, status),
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
    return run([HELPER, "cat-file", file], check=False).stdout
