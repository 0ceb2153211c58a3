"""What changed between two manifests: one row for each package that is not the same on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sbkernel.errors import DefinitionError
from sbkernel.packages.diff import sources
from sbkernel.packages.diff.attention import DEFAULT, Attention
from sbkernel.packages.diff.change import PACKAGE, SOURCE, Changes, Known, PackageChange
from sbkernel.packages.diff.matching import changes
from sbkernel.packages.diff.summary import summary
from sbkernel.packages.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "change", "name", "arch", "old", "new", "old_size", "new_size", "delta", "section", "reason", "attention",
    "old_name", "old_arch",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Diff(Changes):
    """Two manifests and what changed from `a` to `b`, sorted by name; `groups` are the attention groups."""

    groups: tuple[str, ...] = ()

    def only(self, text: str = "", kinds: Iterable[str] = (), *, attention: bool = False) -> Diff:
        """Return a diff of some rows: name, group or section contains `text`, of these kinds, of any group."""
        wanted, needle = set(kinds), text.casefold()
        rows = (row for row in self.rows if (not wanted or row.change in wanted) and needle in _searched(row))
        return replace(self, rows=tuple(row for row in rows if row.attention or not attention))

    @property
    def df(self) -> pd.DataFrame:
        """Return the rows as a DataFrame; sizes are bytes, None where one side does not know them.

        `name` and `arch` are those of now; `old_name` and `old_arch` are others where the package was replaced or its
        architecture changed.
        """
        import pandas as pd

        known = self.known
        return pd.DataFrame([cells(row, known) for row in self.rows], columns=list(COLUMNS))

    @property
    def summary(self) -> str:
        """Return what matters, on one screen."""
        return summary(self)

    def __str__(self) -> str:
        return self.summary

    def __repr__(self) -> str:
        return f"Diff({self.a.name!r}, {self.b.name!r}, {len(self)} rows)"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(self.summary)


def diff(a: Manifest, b: Manifest, attention: Attention | None = None, *, by: str = "") -> Diff:
    """Compare two manifests by package or, also when they are of two families and nothing is said, by source.

    DefinitionError when packages of two families are to be compared by package.

    Versions of one package installed side by side are told apart: one more kernel is `added`. A package without a
    version or an architecture, as in a package list, is the same as any of its name.
    """
    paid = attention or DEFAULT
    families = _families(a, b)
    by = by or (SOURCE if len(families) > 1 else PACKAGE)
    if by == PACKAGE:
        rows = [paid.flagged(row) for row in changes(a, b, _family(a, b, families))]
    else:
        rows = _by_source(a, b, families[0] if len(families) == 1 else "", paid)
    ordered = sorted(rows, key=lambda row: (row.name, row.arch, row.new_version, row.old_version))
    return Diff(a, b, tuple(ordered), tuple(paid.groups), by=by)


def _by_source(a: Manifest, b: Manifest, family: str, paid: Attention) -> list[PackageChange]:
    """Return the rows by source; a source is of the attention group that one of its packages is of."""
    members = sources.groups([*b, *a])
    return [
        row._replace(attention=paid.of_any(members[sources.common_name(row.name)]))
        for row in sources.changes(a, b, family)
    ]


def cells(row: PackageChange, known: Known) -> tuple[Any, ...]:
    """Return a row as the columns of the DataFrame."""
    now, before = row.package, row.old or row.package
    return (
        row.change, now.name, now.arch, row.old_version, row.new_version, *row.sizes(known), now.section,
        row.reason, row.attention, before.name, before.arch,
    )  # fmt: skip


def _searched(row: PackageChange) -> str:
    return f"{row.names} {row.attention} {row.section}".casefold()


def _families(a: Manifest, b: Manifest) -> list[str]:
    return list(dict.fromkeys(side.family for side in (a, b) if side.family and len(side)))


def _family(a: Manifest, b: Manifest, families: Sequence[str]) -> str:
    if len(families) > 1:
        raise DefinitionError(
            f"{a.name} is made of {a.family} packages and {b.name} of {b.family} packages",
            hint=f"their versions cannot be compared; sb diff --by source {a.name} {b.name} compares their sources",
        )
    return next(iter(families), "")
