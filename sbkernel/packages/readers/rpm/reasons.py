"""Why a package is installed and where it came from, as dnf 4, dnf 5 and zypper have recorded it.

dnf 4: history.sqlite (libdnf, transaction/); dnf 5: dnf5-system-state(7); zypper: AutoInstalled.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sbkernel.packages import treefile

_HISTORY = "history.sqlite"
HISTORY = f"var/lib/dnf/{_HISTORY}"
STATES = tuple(f"usr/lib/sysimage/libdnf5/{name}.toml" for name in ("packages", "nevras"))
AUTO_INSTALLED = "var/lib/zypp/AutoInstalled"
FILES = (f"{HISTORY}*", *STATES, AUTO_INSTALLED)

_LAST = """
    SELECT rpm.name, rpm.arch, trans_item.reason, repo.repoid
    FROM trans_item JOIN rpm USING (item_id) LEFT JOIN repo ON repo.id = trans_item.repo_id
    WHERE trans_item.state = 1 ORDER BY trans_item.id
"""
_DEPENDENCY, _USER, _WEAK, _GROUP = 1, 2, 4, 5
_EXPLICIT = {_DEPENDENCY: False, _USER: True, _WEAK: False, _GROUP: True}
_REASONS = {"dependency": False, "weak dependency": False, "user": True, "group": True}


class Reason(NamedTuple):
    """What a package manager has recorded of a package: whether it was asked for, and the repository it came from."""

    explicit: bool | None = None
    repository: str = ""


UNKNOWN = Reason()


@dataclass(frozen=True)
class Reasons:
    """Reasons by name.arch or by name, and the reason of all other packages."""

    known: Mapping[str, Reason] = field(default_factory=dict)
    others: Reason = UNKNOWN

    def of(self, name: str, arch: str) -> Reason:
        """Return the reason of a package."""
        return self.known.get(f"{name}.{arch}") or self.known.get(name) or self.others


def of_tree(tree: Path) -> Reasons:
    """Return the reasons that the package manager of a tree has recorded; none if it has recorded nothing."""
    history = treefile.find(tree, HISTORY)
    if history is not None:
        beside = (file for file in history.parent.glob(f"{history.name}*") if file.is_file() and not file.is_symlink())
        return _of_files({_HISTORY + one.name.removeprefix(history.name): one.read_bytes() for one in beside})
    states = [treefile.read(tree, name) for name in STATES]
    if any(states):
        return of_states(*(text or "" for text in states))
    auto = treefile.read(tree, AUTO_INSTALLED)
    return Reasons() if auto is None else of_auto_installed(auto)


def of_node(sections: Mapping[str, str]) -> Reasons:
    """Return the reasons in the answer of a node, which sends databases as base64."""
    if _HISTORY in sections:
        try:
            return _of_files({name: base64.b64decode(sections.get(name, "")) for name in (_HISTORY, f"{_HISTORY}-wal")})
        except binascii.Error:
            return Reasons()
    if "packages.toml" in sections:
        return of_states(sections["packages.toml"], sections.get("nevras.toml", ""))
    auto = sections.get("AutoInstalled")
    return Reasons() if auto is None else of_auto_installed(auto)


def _of_files(files: Mapping[str, bytes]) -> Reasons:
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        for name, data in files.items():
            if data:
                (Path(directory) / name).write_bytes(data)
        return of_history(Path(directory) / _HISTORY)


def of_history(database: Path) -> Reasons:
    """Return the reasons that dnf 4 has recorded, the last for each package; none where it cannot be read.

    The file must be a copy: SQLite writes beside it.
    """
    import sqlite3  # every manifest imports this file, and few trees have such a database

    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            rows: Iterable[tuple[str, str, int, str | None]] = connection.execute(_LAST).fetchall()
    except sqlite3.Error:
        return Reasons()
    return Reasons({f"{name}.{arch}": Reason(_EXPLICIT.get(why), _repo(repo)) for name, arch, why, repo in rows})


def of_states(packages: str, nevras: str) -> Reasons:
    """Return the reasons of dnf 5, from the texts of packages.toml and nevras.toml."""
    why = {name: str(state.get("reason", "")).lower() for name, state in _table(packages, "packages").items()}
    repos = {_name_arch(nevra): _repo(state.get("from_repo")) for nevra, state in _table(nevras, "nevras").items()}
    names = {**why, **repos}
    return Reasons({name: Reason(_REASONS.get(why.get(name, "")), repos.get(name, "")) for name in names})


def of_auto_installed(text: str) -> Reasons:
    """Return the reasons of zypper, which records the names of packages that came in as dependencies."""
    names = (line.strip() for line in text.splitlines())
    return Reasons({name: Reason(False) for name in names if name and not name.startswith("#")}, Reason(True))


def _repo(repoid: str | None) -> str:
    return "" if repoid is None or repoid.startswith("@") else repoid


def _table(text: str, name: str) -> dict[str, dict[str, Any]]:
    import tomllib  # as above

    try:
        table = tomllib.loads(text).get(name, {})
    except tomllib.TOMLDecodeError:
        return {}
    entries = table.items() if isinstance(table, dict) else ()
    return {key: state for key, state in entries if isinstance(state, dict)}


def _name_arch(nevra: str) -> str:
    """Return name.arch of name-epoch:version-release.arch."""
    rest, _, arch = nevra.rpartition(".")
    return f"{rest.rsplit('-', 2)[0]}.{arch}"
