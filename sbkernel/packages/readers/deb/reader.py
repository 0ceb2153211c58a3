"""The reader of Debian packages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sbkernel.errors import CommandError
from sbkernel.packages import treefile
from sbkernel.packages.package import Package
from sbkernel.packages.readers.deb import aptlists, copyrights, dpkg
from sbkernel.packages.readers.reader import Origin, Read, Recorded, Run

APT_HELPER = Path("/usr/lib/apt/apt-helper")


class Deb:
    """What dpkg has installed."""

    family = dpkg.DEB
    program = "dpkg"
    everywhere = "all"
    # apt's lists are 50 MB, and no packed image keeps them.
    files = (dpkg.STATUS, dpkg.EXTENDED_STATES, f"{copyrights.PLACE}/*/copyright")
    queries: Mapping[str, str] = {"dpkg_query": dpkg.QUERY, "copyright_lines": copyrights.LINES}

    def database(self, tree: Path) -> Path | None:
        """Return dpkg's status file."""
        status = treefile.find(tree, dpkg.STATUS)
        return status if status is not None and status.is_file() else None

    def of_tree(self, tree: Path, database: Path, recorded: Recorded, run: Run) -> Read:
        """Return what is installed in a tree; what was asked for and where it came from, as far as the tree tells."""
        status = database.read_text(errors="replace")
        states = treefile.read(tree, dpkg.EXTENDED_STATES)
        doc = treefile.find(tree, copyrights.PLACE)
        known = dpkg.Known(
            auto=None if states is None else dpkg.auto_installed(states),
            asked=recorded.asked,
            licences=copyrights.of_tree(doc) if doc else {},
            origins=recorded.origins or _origins(tree, status, run),
        )
        return Read(*dpkg.packages(status, known))

    def paths(self, tree: Path, database: Path, names: Collection[str], run: Run) -> dict[str, list[str]]:  # noqa: ARG002
        """Return the paths by name, as dpkg has recorded them."""
        places = {path.name.removesuffix(".list").partition(":")[0]: path for path in _lists(database)}
        return {name: places[name].read_text(errors="replace").splitlines() for name in names if name in places}

    def of_node(self, sections: Mapping[str, str]) -> Read | None:
        """Return what a node has answered."""
        if "dpkg" not in sections:
            return None
        states = sections.get("extended_states")
        auto = None if states is None else dpkg.auto_installed(states)
        known = dpkg.Known(auto=auto, licences=copyrights.of_grep(sections.get("copyright", "")))
        return Read(*dpkg.packages(sections["dpkg"], known))

    def order(self, version: str) -> Any:
        """Return what python-debian orders, as dpkg does."""
        return _version()(version)

    def url_parts(self, package: Package) -> tuple[str, Mapping[str, str]]:
        """Return the version with its epoch; a source of another version has it behind an @."""
        same = package.source_version in ("", package.version)
        upstream = package.source if same else f"{package.source}@{package.source_version}"
        return package.version, {"upstream": "" if same and package.source == package.name else upstream}


def _lists(status: Path) -> Iterable[Path]:
    return (path for path in status.with_name("info").glob("*.list") if path.is_file() and not path.is_symlink())


@cache
def _version() -> Callable[[str], Any]:
    # Not Version: that is python-apt's class where python-apt is installed, and one implementation is enough to test.
    from debian.debian_support import NativeVersion

    return NativeVersion


def _origins(tree: Path, status: str, run: Run) -> Mapping[str, Origin]:
    directory = treefile.find(tree, aptlists.PLACE)
    files = sorted(directory.glob(aptlists.PATTERN)) if directory else []
    if not files:
        return {}
    wanted = {str(package) for package in dpkg.packages(status)[0]}
    return aptlists.origins(((file.name, _cat(file, run)) for file in files), wanted)


def _cat(file: Path, run: Run) -> str:
    """Return the text of a list, which apt may keep packed in any way it knows; "" for one that is damaged."""
    try:
        return run([APT_HELPER, "cat-file", file], {})
    except CommandError:
        return ""
