"""What of this host a build reads, for another one to have at the same paths: lists, scripts, keys, packages."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sbkernel.images.families.places import is_container, of_otherpkgdir, places, split
from sbkernel.images.order import files_of
from sbkernel.images.spec import ImageSpec
from sbkernel.images.tree.postinstall import files_read
from sbkernel.jobs.blobs import Originals
from sbkernel.site import Site


@dataclass(frozen=True)
class Given:
    """Files by path: digest, mode and time of change; links by path; and directories that hold nothing else.

    A file with an empty digest is one that is not here, and so must not be there.
    """

    files: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Given:
        """Read what as_json() has made."""
        files = {path: (str(one[0]), int(one[1]), int(one[2])) for path, one in data["files"].items()}
        return cls(files, data["links"], tuple(data["directories"]))

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "files": {path: list(one) for path, one in self.files.items()},
            "links": dict(self.links),
            "directories": list(self.directories),
        }

    @property
    def inputs(self) -> dict[str, str]:
        """Return the digests of the files that are there, by path."""
        return {path: digest for path, (digest, _, _) in self.files.items() if digest}


def given(site: Site, spec: ImageSpec, more: Iterable[Path], shared: Iterable[Path], blobs: Originals) -> Given:
    """Find all that the build of an osimage reads; `blobs` gets the files.

    Left out is what lies below `shared` directories, which the other host has, too, and what comes with our code.
    """
    same = [site.root / "share", *shared]
    files: dict[str, tuple[str, int, int]] = {}
    links: dict[str, str] = {}
    directories = []
    for path in dict.fromkeys([*files_of(site, spec), *more, *_read(site, spec)]):
        if any(path.is_relative_to(one) for one in same):
            continue
        if path.is_dir():
            directories.append(str(path))
            for file in _below(path, links):
                files[str(file)] = _facts(file, blobs)
        else:
            files[str(path)] = _facts(path, blobs)
    return Given(files, links, tuple(directories))


def _read(site: Site, spec: ImageSpec) -> Iterator[Path]:
    """Yield what is read beside the lists: files of scripts, directories of packages, keys."""
    yield from files_read(spec.postinstall)
    attributes = spec.attributes
    sources = [entry for entry in split(attributes.get("pkgdir", "")) if not is_container(entry)]
    found = [
        *places(",".join(sources), "pkgdir"),
        *places(attributes.get("kerneldir", ""), "kerneldir"),
        *(of_otherpkgdir(site, attributes) if spec.request.otherpkglist.packages else ()),
    ]
    for place in found:
        yield from place.keys
        if place.local:
            yield Path(place.text)
    yield from spec.manager.reads


def _below(directory: Path, links: dict[str, str]) -> Iterator[Path]:
    """Yield the files below a directory; links to directories are noted."""
    for where, folders, names in os.walk(directory):
        for name in folders:
            if (folder := Path(where, name)).is_symlink():
                links[str(folder)] = str(folder.readlink())
        yield from (path for name in sorted(names) if (path := Path(where, name)).is_file())


def _facts(file: Path, blobs: Originals) -> tuple[str, int, int]:
    if not file.is_file():
        return "", 0, 0
    status = file.stat()
    return blobs.add(file), stat.S_IMODE(status.st_mode), status.st_mtime_ns
