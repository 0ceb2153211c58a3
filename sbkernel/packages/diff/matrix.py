"""Packages of many images side by side: a row a package, a column an image, a version in each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from sbkernel.packages.diff import sources
from sbkernel.packages.diff.attention import DEFAULT, Attention
from sbkernel.packages.diff.change import PACKAGE, SOURCE
from sbkernel.packages.diff.tables import aligned
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package
from sbkernel.units import size

if TYPE_CHECKING:
    import pandas as pd


Key = tuple[str, str]
LISTED = "listed"
"""Stands for the version of a package that a list names without one."""


class Line(NamedTuple):
    """One package; `versions` has a text for each manifest: "" where it is not installed, commas between several."""

    name: str
    arch: str
    versions: tuple[str, ...]
    attention: str = ""

    @property
    def usual(self) -> str:
        """Return what most of them have."""
        return Counter(self.versions).most_common(1)[0][0]


@dataclass(frozen=True, repr=False)
class Matrix:
    """The packages of `manifests`, sorted by name; `total` also counts those that `lines` leaves out."""

    manifests: tuple[Manifest, ...]
    lines: tuple[Line, ...]
    total: int

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return a name for every column; one that occurs twice gets a number."""
        seen: Counter[str] = Counter()
        found = []
        for manifest in self.manifests:
            seen[manifest.name] += 1
            again = seen[manifest.name]
            found.append(manifest.name if again == 1 else f"{manifest.name} ({again})")
        return tuple(found)

    @property
    def headline(self) -> str:
        """Return how many packages differ."""
        return f"{len(self)} of {self.total} packages differ" if len(self) else f"the same {self.total} packages"

    @property
    def df(self) -> pd.DataFrame:
        """Return the versions as a DataFrame, indexed by name and arch."""
        import pandas as pd

        index = pd.MultiIndex.from_tuples([line[:2] for line in self.lines], names=["name", "arch"])
        return pd.DataFrame([line.versions for line in self.lines], index=index, columns=list(self.names))

    def __repr__(self) -> str:
        return f"Matrix({len(self.manifests)} images, {len(self)} of {self.total} packages)"

    def __str__(self) -> str:
        """Return one line a package, below what each image weighs."""
        rows = [(line.name, line.arch, *(version or "-" for version in line.versions)) for line in self.lines]
        sums = [
            ("(packages)", "", *(str(len(one)) for one in self.manifests)),
            ("(on disk)", "", *(size(one.size_bytes) for one in self.manifests)),
        ]
        return f"{self.headline}\n\n{aligned([('PACKAGE', 'ARCH', *self.names), *sums, *rows])}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))


def matrix(
    manifests: Sequence[Manifest], *, differing: bool = True, attention: Attention | None = None, by: str = ""
) -> Matrix:
    """Put packages of manifests side by side; only those that differ, unless `differing` is false.

    A row is a package or, also when they are of several families and nothing is said, a source.
    """
    flags = attention or DEFAULT
    known: dict[Key, list[Package]] = {}
    if (by or _usual(manifests)) == SOURCE:
        columns = [_sources(manifest, known) for manifest in manifests]
    else:
        columns = [_versions(manifest, known) for manifest in manifests]
        _settle_loose(columns, known)
    keys = sorted(known)
    cells = zip(*([column.get(key, "") for key in keys] for column in columns), strict=True)
    lines = (
        Line(*key, versions, flags.of_any(known[key]))
        for key, versions in zip(keys, cells, strict=True)
        if not differing or len(set(versions)) > 1
    )
    return Matrix(tuple(manifests), tuple(lines), len(keys))


def _usual(manifests: Iterable[Manifest]) -> str:
    families = {one.family for one in manifests if one.family and len(one)}
    return SOURCE if len(families) > 1 else PACKAGE


def _sources(manifest: Manifest, known: dict[Key, list[Package]]) -> dict[Key, str]:
    """Return the versions of the sources by their common names, and add to the packages that are known."""
    for name, members in sources.groups(manifest).items():
        known.setdefault((name, ""), []).extend(members)
    return {(name, ""): one.version or LISTED for name, one in sources.joined(manifest).items()}


def _versions(manifest: Manifest, known: dict[Key, list[Package]]) -> dict[Key, str]:
    """Return the versions by name and architecture, and add to the packages that are known."""
    found: dict[Key, str] = {}
    for package in manifest.packages:
        key = package[0], package[2]
        found[key] = f"{found[key]}, {package[1]}" if key in found else package[1] or LISTED
        known.setdefault(key, [package])
    return found


def _settle_loose(columns: Sequence[dict[Key, str]], known: dict[Key, list[Package]]) -> None:
    """Put packages without an architecture, as in a package list, into the rows of their name."""
    for name in [name for name, arch in known if not arch]:
        rows = [key for key in known if key[0] == name and key[1]]
        for column in columns:
            if rows and (name, "") in column:
                column.update(dict.fromkeys(rows, column.pop((name, ""))))
        if rows:
            del known[name, ""]
