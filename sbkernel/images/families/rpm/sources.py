"""Where the packages of an rpm image come from, and what dnf is asked; of the disk only repodata is looked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.lists import otherpkglist

_REPODATA = "repodata/repomd.xml"


@dataclasses.dataclass(frozen=True)
class Question:
    """What dnf shall solve; `digest_of` of it names the cache."""

    release: str
    arch: str
    platform: str
    repos: tuple[str, ...]
    names: tuple[str, ...]

    def as_dict(self, root: Path, cache: Path) -> dict[str, Any]:
        """Return the question with the directories that dnf works in."""
        return {**dataclasses.asdict(self), "root": str(root), "cache": str(cache), "weak": True}


def question(attributes: Mapping[str, str], packages: Iterable[str], others: Iterable[str]) -> Question:
    """Return the question for an osimage; DefinitionError when it names no repository (xCAT: genimage of EL)."""
    major = re.sub(r"^\D+", "", attributes.get("osvers", "")).partition(".")[0]
    placed = [otherpkglist.placed(entry) for entry in others]
    repos = [*_repositories(attributes.get("pkgdir", "")), *_other(attributes, (one.directory for one in placed))]
    if not repos:
        raise DefinitionError(
            "no repository among pkgdir and otherpkgdir",
            hint="pkgdir names directories that hold repodata, or URLs, with commas between them",
        )
    names = (*packages, *(one.name for one in placed))
    platform = f"platform:el{major}" if major.isdigit() and 8 <= int(major) < 20 else ""
    return Question(major, attributes.get("osarch", ""), platform, tuple(dict.fromkeys(repos)), tuple(names))


def _repositories(pkgdir: str) -> Iterator[str]:
    """Yield every URL, and every directory below the local ones that is a repository."""
    for entry in filter(None, map(str.strip, pkgdir.split(","))):
        if "://" in entry:
            yield entry
        else:
            yield from (f"file://{path.parent.parent}" for path in sorted(Path(entry).rglob(_REPODATA)))


def _other(attributes: Mapping[str, str], directories: Iterable[str]) -> Iterator[str]:
    entries = [entry for entry in map(str.strip, attributes.get("otherpkgdir", "").split(",")) if entry]
    yield from (entry for entry in entries if "://" in entry)
    for top in (Path(entry) for entry in entries if "://" not in entry):
        for directory in dict.fromkeys(directories):
            if (top / directory / _REPODATA).is_file():
                yield f"file://{top / directory}"
