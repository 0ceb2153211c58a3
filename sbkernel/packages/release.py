"""Which distribution a tree or a node runs: os-release(5)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from sbkernel.packages import treefile

FILES = ("etc/os-release", "usr/lib/os-release")


class Release(NamedTuple):
    """What os-release says: ID, VERSION_ID, PRETTY_NAME."""

    id: str = ""
    version: str = ""
    name: str = ""

    @property
    def short(self) -> str:
        """Return id-version, such as rocky-9.4 or sles-15.6."""
        return "-".join(part for part in (self.id, self.version) if part)


UNKNOWN = Release()


def parse(text: str) -> Release:
    """Return what an os-release file says."""
    values = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.startswith("#"):
            values[key.strip()] = _unquoted(value.strip())
    return Release(values.get("ID", ""), values.get("VERSION_ID", ""), values.get("PRETTY_NAME", ""))


def of_tree(tree: Path) -> Release:
    """Return the release of a root tree, UNKNOWN if it says nothing."""
    texts = (treefile.read(tree, name) for name in FILES)
    return next((parse(text) for text in texts if text), UNKNOWN)


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value
