"""gc: remove what nobody needs any more, of everything that grows; say what stays and why.

It stands in this room because what keeps a version is known to rooms above: pointers to the catalog, boot files and
the boot log to netboot, pins to definitions, running jobs to jobs. They are asked here; catalog/collecting.py decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from sbkernel.errors import DefinitionError
from sbkernel.images.cache import prune
from sbkernel.images.cache.kinds import KINDS, Find, Remove
from sbkernel.images.catalog import removing
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.collected import Collected
from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.jobs.lock import lock
from sbkernel.rollout.versions import past, references
from sbkernel.site import Site
from sbkernel.units import read_duration

KEEP = 5
OLDER_THAN = "30d"
_OTHERS: Sequence[tuple[Find, Remove]] = (
    *KINDS.values(),
    (past.logs, past.remove_logs),
    (past.finished_jobs, past.remove_jobs),
    (past.rollouts, past.remove_rollouts),
    (past.scripts, past.remove_scripts),
)


def gc(site: Site, *, keep: int = KEEP, older_than: str = OLDER_THAN, dry_run: bool = False) -> Collected:
    """Remove versions, what lies in the cache, logs and finished jobs that nobody needs; return what and why not.

    `keep` newest versions of each image, layers and jobs stay, and so does what was needed within `older_than` (30d,
    12h). A version stays as long as a pointer, what a rollback would go to, a boot file, the last boot of a node, a
    pin or a running job refers to it, or a node may be fetching it. Safe beside any other verb; killed at any time,
    the next run removes what it left. Raises LockedError when another one runs, DefinitionError for a wrong duration.
    """
    if keep < 0:
        raise DefinitionError(f"{keep} versions cannot be kept", hint="0 or more")
    rule = Rule(keep, read_duration(older_than))
    if dry_run:
        return Collected(tuple(_planned(site, rule)), True)
    with lock(site.catalog, "gc", what="catalog"), prune.turn(site):
        catalog = Catalog(site)
        left = removing.sweep(catalog)
        seen = removing.look(catalog)
        items = list(removing.collect(catalog, seen, references.gather(site).said(), rule).values())
        now = time.time()
        for find, remove in _OTHERS:
            items += remove(site, find(site, rule, now))
    return Collected(tuple(items), False, left)


def _planned(site: Site, rule: Rule) -> Iterable[Item]:
    yield from removing.plan(Catalog(site), references.gather(site).said(), rule).values()
    now = time.time()
    for find, _ in _OTHERS:
        yield from find(site, rule, now)
