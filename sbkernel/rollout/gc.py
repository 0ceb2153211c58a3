"""gc: remove what nobody needs any more, of everything that grows; say what stays and why.

It stands in this room because what keeps a version is known to rooms above: pointers to the catalog, boot files and
the boot log to netboot, pins to definitions, running jobs to jobs. They are asked here; catalog/collecting.py decides.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sbkernel.errors import DefinitionError
from sbkernel.images.catalog import removing
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.jobs.lock import lock
from sbkernel.rollout import caches, references
from sbkernel.site import Site
from sbkernel.units import read_duration, size

if TYPE_CHECKING:
    import pandas as pd

KEEP = 5
OLDER_THAN = "30d"
_PLURAL = {"version": "versions", "layer": "layers", "package": "downloaded packages", "log": "logs", "job": "jobs"}
_ONE = {"package": "downloaded package"}
_COLUMNS = ["kind", "name", "bytes", "used", "goes", "why"]
Find = Callable[[Site, Rule, float], list[Item]]
Remove = Callable[[Site, Sequence[Item]], list[Item]]
_OTHERS: Sequence[tuple[Find, Remove]] = (
    (caches.layers, caches.remove_layers),
    (caches.packages, caches.remove_packages),
    (caches.logs, caches.remove_logs),
    (caches.finished_jobs, caches.remove_jobs),
)


@dataclass(frozen=True)
class GarbageCollection:
    """What a collection removed, or would remove in a dry run, and what it kept; `leftover_bytes`: of killed ones."""

    items: tuple[Item, ...]
    dry_run: bool
    leftover_bytes: int = 0

    @property
    def gone(self) -> list[Item]:
        """Return what was removed, or would be."""
        return [item for item in self.items if item.goes]

    @property
    def kept(self) -> list[Item]:
        """Return what stays."""
        return [item for item in self.items if not item.goes]

    @property
    def freed_bytes(self) -> int:
        """Return how many bytes were freed, or would be."""
        return self.leftover_bytes + sum(item.size_bytes for item in self.gone)

    @property
    def df(self) -> pd.DataFrame:
        """Return a row an item: kind, name, bytes, when it was last needed, whether it goes, why it stays."""
        import pandas as pd

        rows = [
            (item.kind, item.name, item.size_bytes, pd.Timestamp(item.last_used, unit="s", tz="UTC"), item.goes,
             "; ".join(item.why))
            for item in self.items
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=_COLUMNS)

    def __str__(self) -> str:
        """Return the sum: how many of each kind, and how many bytes."""
        numbers = Counter(item.kind for item in self.gone)
        parts = [count(kind, number) for kind, number in numbers.items()]
        parts += ["what killed runs had left"] if self.leftover_bytes else []
        if not parts:
            return "nothing to remove"
        return f"{'would free' if self.dry_run else 'freed'} {size(self.freed_bytes)}: {', '.join(parts)}"


def gc(site: Site, *, keep: int = KEEP, older_than: str = OLDER_THAN, dry_run: bool = False) -> GarbageCollection:
    """Remove versions, layers, downloaded packages, logs and finished jobs that nobody needs; return what and why not.

    `keep` newest versions of each image, layers and jobs stay, and so does what was needed within `older_than` (30d,
    12h). A version stays as long as a pointer, what a rollback would go to, a boot file, the last boot of a node, a
    pin or a running job refers to it, or a node may be fetching it. Safe beside any other verb; killed at any time,
    the next run removes what it left. Raises LockedError when another one runs, DefinitionError for a wrong duration.
    """
    if keep < 0:
        raise DefinitionError(f"{keep} versions cannot be kept", hint="0 or more")
    rule = Rule(keep, read_duration(older_than))
    if dry_run:
        return GarbageCollection(tuple(_planned(site, rule)), True)
    with lock(site.catalog, "gc", what="catalog"):
        catalog = Catalog(site)
        left = removing.sweep(catalog)
        seen = removing.look(catalog)
        items = list(removing.collect(catalog, seen, references.gather(site).said(), rule).values())
        now = time.time()
        for find, remove in _OTHERS:
            items += remove(site, find(site, rule, now))
    return GarbageCollection(tuple(items), False, left)


def _planned(site: Site, rule: Rule) -> Iterable[Item]:
    yield from removing.plan(Catalog(site), references.gather(site).said(), rule).values()
    now = time.time()
    for find, _ in _OTHERS:
        yield from find(site, rule, now)


def count(kind: str, number: int) -> str:
    """Return how many there are of a kind of item, in words."""
    return f"{number} {_ONE.get(kind, kind) if number == 1 else _PLURAL[kind]}"
