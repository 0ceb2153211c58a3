"""The manifest: every package installed in an image or on a node, as JSON that is the same for the same packages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sbkernel.errors import ListFileError
from sbkernel.packages.package import Package, shortened
from sbkernel.packages.readers import FAMILIES, UNNAMED
from sbkernel.packages.release import UNKNOWN, Release

T = TypeVar("T")
FORMAT = 2  # format 1 was a list of packages and nothing else


@dataclass(frozen=True, repr=False)
class Manifest:
    """The packages of an image, a tree, a node or a file, sorted by name, architecture and version.

    `name` says of what, `kind` is image, tree, node or file. `made` is when that was made, in seconds since the
    epoch, 0 if not known. `warnings` name packages that are not wholly installed, and what could not be read.
    `container` is the container image that it stands on, REFERENCE@DIGEST, if it stands on one.
    """

    packages: tuple[Package, ...]
    family: str = ""
    name: str = ""
    kind: str = ""
    release: Release = UNKNOWN
    made: int = 0
    warnings: tuple[str, ...] = ()
    container: str = ""

    def __len__(self) -> int:
        return len(self.packages)

    def __iter__(self) -> Iterator[Package]:
        return iter(self.packages)

    def __repr__(self) -> str:
        return f"Manifest({self.name!r}, {len(self)} packages)"

    @property
    def size_bytes(self) -> int:
        """Return what all packages take on disk."""
        return sum(package.size_bytes for package in self.packages)

    @property
    def digest(self) -> str:
        """Return the sha256 of what is installed: of names, versions and architectures, nothing else."""
        return hashlib.sha256("\n".join(map(str, self.packages)).encode()).hexdigest()

    def versions(self) -> dict[tuple[str, str], tuple[Package, ...]]:
        """Return the packages by (name, arch); several where several versions are installed, such as kernels."""
        found: dict[tuple[str, str], tuple[Package, ...]] = {}
        for package in self.packages:
            found[package.key] = (*found.get(package.key, ()), package)
        return found

    def to_json(self) -> str:
        """Return the text of manifest.json: one package a line, so that two manifests compare well with diff."""
        head = {"format": FORMAT, "family": self.family, "name": self.name, "kind": self.kind, "made": self.made}
        head |= {"release": self.release._asdict(), "warnings": list(self.warnings)}
        head |= {"container": self.container} if self.container else {}
        lines = ",\n".join(json.dumps(shortened(package), sort_keys=True) for package in self.packages)
        return json.dumps(head)[:-1] + f', "packages": [\n{lines}\n]}}\n'


def manifest(
    packages: Iterable[Package],
    *,
    family: str = "",
    name: str = "",
    kind: str = "",
    release: Release = UNKNOWN,
    made: int = 0,
    warnings: Iterable[str] = (),
    container: str = "",
) -> Manifest:
    """Return a manifest of packages in any order; the family is theirs unless it is given."""
    ordered = tuple(sorted(packages, key=lambda package: (package.name, package.arch, package.version)))
    family = family or (ordered[0].family if ordered else "")
    return Manifest(ordered, family, name, kind, release, made, tuple(warnings), container)


def from_json(text: str, file: object = "manifest") -> Manifest:
    """Return the manifest that a text holds, of format 1 too.

    Raises ListFileError, which names `file` and the line.
    """
    try:
        data: Any = json.loads(text)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise ListFileError(file, line, f"not JSON: {error}", hint="a manifest is what packimage publishes") from None
    if isinstance(data, list):
        data = {"format": 1, "family": UNNAMED, "packages": data}
    if not isinstance(data, dict) or not isinstance(data.get("packages"), list):
        raise ListFileError(file, 1, "JSON, but no manifest: it has no list of packages")
    return _read(data, file)


def _read(data: dict[str, Any], file: object) -> Manifest:
    if data.get("format") not in (1, FORMAT):
        raise ListFileError(file, 1, f"manifest of format {data.get('format')!r}", hint="a newer sbkernel wrote it")
    family = data.get("family", "")
    if family not in ("", *FAMILIES):
        raise ListFileError(file, 1, f"no package family {family!r}", hint=" or ".join(FAMILIES))
    release = _typed(data, "release", dict, file)
    return manifest(
        _packages(data["packages"], family, file),
        family=family,
        name=_typed(data, "name", str, file),
        kind=_typed(data, "kind", str, file),
        release=Release(**{key: str(release.get(key, "")) for key in Release._fields}),
        made=_typed(data, "made", int, file),
        warnings=map(str, _typed(data, "warnings", list, file)),
        container=_typed(data, "container", str, file),
    )


def _typed(data: dict[str, Any], key: str, kind: type[T], file: object) -> T:
    value = data.get(key, kind())
    if not isinstance(value, kind):
        raise ListFileError(file, 1, f"{key} of a manifest must be a {kind.__name__}, not {value!r}")
    return value


def _packages(entries: list[Any], family: str, file: object) -> Iterator[Package]:
    for number, entry in enumerate(entries, start=1):
        try:
            yield Package.from_dict(entry, family)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ListFileError(file, number + 1, f"entry {number} is no package: {error}") from None
