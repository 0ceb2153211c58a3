"""What a package format is to everything else: the protocol that every reader follows, and the values it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sbkernel.packages.package import Package

Run = Callable[[Sequence[str | os.PathLike[str]], Mapping[str, str]], str]
"""Run a program with additions to the environment, return its standard output; CommandError when it fails."""


class Origin(NamedTuple):
    """Where a package file came from: a repository, and the sha256 of the file."""

    repository: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Recorded:
    """What a build has noted and a tree may not tell: the names that were asked for, origins by name=version:arch."""

    asked: frozenset[str] | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)


NOTHING = Recorded()


class Read(NamedTuple):
    """Installed packages, and warnings about those that are not wholly installed."""

    packages: list[Package]
    warnings: list[str]


class Reader(Protocol):
    """How a package format is read, ordered and named."""

    @property
    def family(self) -> str:
        """Return its name in manifests, which is its type in package URLs."""

    @property
    def program(self) -> str:
        """Return the program that installs its packages."""

    @property
    def everywhere(self) -> str:
        """Return the architecture of packages that run on every machine."""

    @property
    def files(self) -> Sequence[str]:
        """Return all that it reads of a tree, as paths and patterns below the root."""

    @property
    def queries(self) -> Mapping[str, str]:
        """Return the variables that its part of the script for nodes needs (templates/image/installed.sh)."""

    def database(self, tree: Path) -> Path | None:
        """Return the package database of a tree, None if it has none of this format; its time is that of the tree."""

    def of_tree(self, tree: Path, database: Path, recorded: Recorded, run: Run) -> Read:
        """Return what is installed in a tree, which is not changed; BuildError when the database cannot be read."""

    def paths(self, tree: Path, database: Path, names: Collection[str], run: Run) -> dict[str, list[str]]:
        """Return the absolute paths of the files of installed packages by name, directories too; raises as of_tree."""

    def of_node(self, sections: Mapping[str, str]) -> Read | None:
        """Return what a node has answered, by the sections of that script; None if it has no such database."""

    def order(self, version: str) -> Any:
        """Return a value that compares as the versions do; ValueError for what is no version."""

    def url_parts(self, package: Package) -> tuple[str, Mapping[str, str]]:
        """Return the version in a package URL, and the qualifiers that only this format has (purl-spec)."""
