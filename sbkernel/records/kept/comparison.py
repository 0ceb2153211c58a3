"""diff: what differs between two records: parameters, what came out, packages, sizes, and how long each phase took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.manifests import of_version
from sbkernel.packages.diff import attention
from sbkernel.packages.diff import diff as diffs
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.formats import diff_data
from sbkernel.packages.diff.summary import signed, summary
from sbkernel.packages.diff.tables import aligned
from sbkernel.packages.manifest import Manifest
from sbkernel.records.kept.facts import Kept
from sbkernel.records.kept.listing import Records
from sbkernel.site import Site
from sbkernel.units import plain, seconds, size

ABSENT = ""
Row = tuple[str, str, str]
Times = Mapping[str, float]


@dataclass(frozen=True)
class RecordDiff:
    """Two records. `packages` is None where `remark` says why they cannot be compared."""

    a: Kept
    b: Kept
    sizes: tuple[Mapping[str, Any], Mapping[str, Any]]
    packages: Diff | None
    remark: str = ""

    @property
    def parameters(self) -> list[Row]:
        """Return the parameters whose values differ; ABSENT for one that a notebook does not have."""
        both = (self.a.parameters, self.b.parameters)
        names = dict.fromkeys(name for one in both for name in one)
        rows = [(name, *(repr(one[name]) if name in one else ABSENT for one in both)) for name in names]
        return [(name, a, b) for name, a, b in rows if a != b]

    @property
    def facts(self) -> list[Row]:
        """Return what else differs: how they ended, who ran what where, the version of the image and its size."""
        pairs = zip(_facts(self.a, self.sizes[0]), _facts(self.b, self.sizes[1]), strict=True)
        rows = [(name, a, b) for (name, a), (_, b) in pairs if a != b]
        if self.grew_bytes:
            rows.append(("packed root", "", signed(self.grew_bytes)))
        if self.a.notebook == self.b.notebook and self.a.sources != self.b.sources:
            rows.append(("its cells", "as then", "changed since"))
        return rows

    @property
    def timings(self) -> list[tuple[str, float | None, float | None]]:
        """Return how long the run, its jobs with their phases, and boots took in both, in seconds."""
        a, b = dict(times(self.a)), dict(times(self.b))
        return [(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])]

    @property
    def grew_bytes(self) -> int | None:
        """Return by how much the packed root grew, None if that is not known of both."""
        a, b = (one.get("packed") for one in self.sizes)
        return int(b) - int(a) if a and b else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; sizes in bytes, times in seconds."""
        return {
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
            "parameters": {name: {"a": a, "b": b} for name, a, b in self.parameters},
            "facts": {name: {"a": a, "b": b} for name, a, b in self.facts},
            "timings": {name: {"a": a, "b": b} for name, a, b in self.timings},
            "sizes": {"a": dict(self.sizes[0]), "b": dict(self.sizes[1]), "grew": self.grew_bytes},
            "packages": diff_data(self.packages) if self.packages else None,
            "remark": self.remark,
        }

    def __str__(self) -> str:
        packages = summary(self.packages) if self.packages else f"packages: {self.remark}"
        return f"{self.without_packages()}\n\n{packages}"

    def without_packages(self) -> str:
        """Return all but the packages as text."""
        rows = [*self.facts, *((f"  {name}", a or "-", b or "-") for name, a, b in self.parameters)]
        took = [(f"  {name}", seconds(a) or "-", seconds(b) or "-", change(a, b)) for name, a, b in self.timings]
        parts = [f"{plain(self.a.name)} -> {plain(self.b.name)}"]
        parts += [aligned([tuple(map(plain, row)) for row in rows])] if rows else ["the same parameters and result"]
        parts += [aligned([tuple(map(plain, row)) for row in took], right=[1, 2, 3])] if took else []
        return "\n\n".join(parts)


def diff(site: Site, a: Kept, b: Kept) -> RecordDiff:
    """Compare two records. Packages are those of the versions that they show, as far as the catalog has them."""
    versions = _versions(site, a), _versions(site, b)
    sizes = _sizes(a, versions[0]), _sizes(b, versions[1])
    packages, remark = _packages(site, a, b, *versions)
    return RecordDiff(a, b, sizes, packages, remark)


def between(found: Records, a: str = "", b: str = "") -> RecordDiff | None:
    """Compare two records by the words that name them (Records.find); by default the two newest of `found`.

    None if there are no two. Raises NotFoundError for a word that names none.
    """
    newest = [*found.rows[:2], None, None]
    old, new = (found.find(a) if a else newest[1]), (found.find(b) if b else newest[0])
    return diff(found.site, old, new) if old and new else None


def times(one: Kept) -> Iterator[tuple[str, float]]:
    """Yield what took how many seconds: the run, each job, each of its phases, and the boot of each node."""
    if one.seconds is not None:
        yield "all cells", one.seconds
    seen: Counter[str] = Counter()
    for timing in one.timings.values():
        job = f"{timing['verb']} {timing['image']}".strip()
        seen[job] += 1
        job = job if seen[job] == 1 else f"{job} ({seen[job]})"
        yield job, timing["seconds"]
        yield from ((f"{job}: {title}", took) for title, took in timing["phases"])
    yield from ((f"boot of {node}", took) for node, took in one.boots.items())


def change(a: float | None, b: float | None) -> str:
    """Return in percent how much longer the second took; "" if that says nothing."""
    percent = round((b - a) / a * 100) if a and b is not None and max(a, b) >= 1 else 0
    return f"{percent:+} %" if percent else ""


def _facts(one: Kept, sizes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "notebook", one.notebook
    yield "status", one.status
    yield "error", one.error
    yield "run by", f"{one.who}@{one.host}"
    yield "sbkernel", one.version
    yield "image", one.image
    yield "version", short(one.digest)
    yield "kernel", str(sizes.get("kernel") or "")
    yield "packages", str(sizes.get("packages") or "")
    yield "packed", size(sizes["packed"]) if sizes.get("packed") else ""


def _versions(site: Site, one: Kept) -> ImageVersion | None:
    try:
        return Catalog(site).get(one.digest) if one.digest else None
    except SbkernelError:
        return None


def _sizes(one: Kept, version: ImageVersion | None) -> Mapping[str, Any]:
    """Return what a version weighs: as the catalog has it, else as the record says."""
    if version is None:
        kept: Mapping[str, Any] = one.sizes.get(one.image, {})
        return kept
    return {"packed": version.roots_size, "packages": version.packages, "kernel": version.kernelver}


def _packages(
    site: Site, a: Kept, b: Kept, old: ImageVersion | None, new: ImageVersion | None
) -> tuple[Diff | None, str]:
    without = [one for one in (a, b) if not one.digest]
    if without:
        return None, f"{plain(without[0].name)} shows no version of an image"
    if a.digest == b.digest:
        return None, f"the same version, {short(a.digest)}"
    if old is None or new is None:
        gone = a if old is None else b
        return None, f"the catalog no longer has {plain(gone.image)}@{short(gone.digest)}"
    return diffs.diff(_labelled(old), _labelled(new), attention.of_site(site)), ""


def _labelled(version: ImageVersion) -> Manifest:
    return replace(of_version(version), name=str(Reference(version.image, short(version.digest))))
