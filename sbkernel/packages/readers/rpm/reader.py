"""The reader of RPM packages."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from functools import cache, cmp_to_key
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError, ToolMissingError
from sbkernel.packages import treefile
from sbkernel.packages.package import Package
from sbkernel.packages.readers.reader import Read, Recorded, Run
from sbkernel.packages.readers.rpm import query, reasons

# Debian's own rpm keeps its database in the home directory of root.
DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm", "root/.rpmdb")
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")  # sqlite, ndb, bdb
MODULE = "python3-rpm"
"""The Debian package with rpm's module for Python."""

_EVR = re.compile(r"(\d+:)?[^:\s]+")


class Rpm:
    """What rpm has installed."""

    family = query.RPM
    program = "rpm"
    everywhere = "noarch"
    files = (*DATABASES, *reasons.FILES)
    queries: Mapping[str, str] = {"rpm_query": query.QUERY}

    def database(self, tree: Path) -> Path | None:
        """Return the directory of rpm's database."""
        found = (treefile.find(tree, f"{place}/{file}") for place in DATABASES for file in FILES)
        return next((path.parent for path in found if path is not None), None)

    def of_tree(self, tree: Path, database: Path, recorded: Recorded, run: Run) -> Read:  # noqa: ARG002 - dnf records it
        """Return what is installed in a tree, as rpm and the records of dnf or zypper say."""
        return Read(query.packages(_query(database, query.QUERY, run), reasons.of_tree(tree)), [])

    def paths(self, tree: Path, database: Path, names: Collection[str], run: Run) -> dict[str, list[str]]:  # noqa: ARG002
        """Return the paths by name, as rpm says."""
        return query.paths(_query(database, query.PATHS, run), names)

    def of_node(self, sections: Mapping[str, str]) -> Read | None:
        """Return what a node has answered."""
        if "rpm" not in sections:
            return None
        return Read(query.packages(sections["rpm"], reasons.of_node(sections)), [])

    def order(self, version: str) -> Any:
        """Return what rpm-version orders, as rpm does."""
        if not _EVR.fullmatch(version):
            raise ValueError(version)
        return _parse()(version)

    def url_parts(self, package: Package) -> tuple[str, Mapping[str, str]]:
        """Return the version without its epoch, a qualifier; scanners know a source by the name of its file."""
        epoch, _, version = package.version.rpartition(":")
        own = (package.source, package.source_version) == (package.name, version)
        known = package.source and package.source_version and not own
        upstream = f"{package.source}-{package.source_version}.src.rpm" if known else ""
        return version, {"epoch": epoch, "upstream": upstream}


@cache
def _parse() -> Callable[[str], Any]:
    try:
        from rpm_version import Evr
    except ImportError:
        return _by_rpm()
    parse: Callable[[str], Any] = Evr.parse
    return parse


def _by_rpm() -> Callable[[str], Any]:
    """Return the same order by rpm's own module, which a host without our libraries has from its distribution."""
    try:
        import rpm
    except ImportError:
        raise ToolMissingError(
            "rpm's module for Python not found", hint=f"install the Debian package {MODULE}"
        ) from None
    key = cmp_to_key(rpm.labelCompare)

    def parse(version: str) -> Any:
        epoch, _, rest = version.rpartition(":")
        name, _, release = rest.partition("-")
        return key((epoch or "0", name, release))

    return parse


def _query(database: Path, form: str, run: Run) -> str:
    """Run rpm on a copy: it writes beside the database that it reads, and must not read macros of this host's user."""
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        copy = Path(directory)
        _copy_files(database, copy)
        argv = ["rpm", "--dbpath", str(copy), "--query", "--all", "--queryformat", form]
        try:
            output = run(argv, {"HOME": str(copy)})
        except CommandError as error:
            raise BuildError(f"the rpm database {database} cannot be read:\n{error.tail}") from error
        _check_kind(database, copy)
        return output


def _check_kind(database: Path, copy: Path) -> None:
    """Refuse a database of a kind that rpm does not read: it silently makes an empty one of its own kind beside it."""
    known, *others = FILES
    if (copy / known).exists() and not (database / known).exists():
        kinds = [name for name in others if (database / name).exists()]
        raise BuildError(
            f"the rpm database {database} is of a kind that the rpm of this machine does not read: {', '.join(kinds)}",
            hint="use the manifest of a node that runs the image",
        )


def _copy_files(source: Path, target: Path) -> None:
    for file in source.iterdir():
        if file.is_file() and not file.is_symlink():
            shutil.copyfile(file, target / file.name)
