"""cache: list what lies in the cache of a site, and remove what was used longest ago until it fits a budget."""

from __future__ import annotations

import contextlib
import time
from contextlib import AbstractContextManager
from dataclasses import replace

from sbkernel.files import in_turn
from sbkernel.images.cache import kinds
from sbkernel.images.catalog.collected import Collected
from sbkernel.images.catalog.collecting import Item, Rule, within
from sbkernel.site import Site
from sbkernel.units import read_duration, read_size

BUDGET = "20G"
_ANY_AGE = Rule(0, 0.0)


def budget(site: Site) -> int:
    """Return how many bytes the cache may take, as the site's cachesize says; DefinitionError if that is no size."""
    return read_size(site.attribute("cachesize", BUDGET))


def ls(site: Site) -> Collected:
    """Return all that lies in the cache: why it stays now or that it may go, and the images built from a layer."""
    users = kinds.users_of_layers(site)
    found = [*_found(site), *kinds.others(site)]
    return Collected(tuple(_described(item, users.get(item.name, [])) for item in found), True)


def prune(site: Site, *, size: str = "", older_than: str = "", dry_run: bool = False) -> Collected:
    """Remove what was not used for a time (30d, 12h), and what was used longest ago until the rest takes `size` (20G).

    Without either the size is the site's cachesize. What a build or another program holds stays, and counts. Returns
    what went, and what stays and why. Killed at any time it leaves nothing half there, and another one that runs is
    waited for. Raises DefinitionError for a wrong size or duration.
    """
    limit = read_size(size) if size else (None if older_than else budget(site))
    age_s = read_duration(older_than) if older_than else None
    if dry_run:
        return Collected(tuple(within(_found(site), limit, age_s, time.time())), True)
    with turn(site):
        return Collected(tuple(_removed(site, within(_found(site), limit, age_s, time.time()))), False)


def after_build(site: Site, started: float) -> None:
    """Bring the cache back into the site's budget after a build; what was used since it `started` (epoch) stays.

    Where somebody else is doing that, nothing is done.
    """
    with contextlib.suppress(BlockingIOError), turn(site, wait=False):
        own = ("used by this build",)
        found = [replace(one, why=own) if one.goes and one.last_used >= started else one for one in _found(site)]
        _removed(site, within(found, budget(site), None, time.time()))


def turn(site: Site, *, wait: bool = True) -> AbstractContextManager[int]:
    """Take turns at removing things from the cache; BlockingIOError for who will not `wait`."""
    return in_turn(site.cache / ".turn", wait=wait)


def _found(site: Site) -> list[Item]:
    now = time.time()
    return [item for find, _ in kinds.KINDS.values() for item in find(site, _ANY_AGE, now)]


def _removed(site: Site, items: list[Item]) -> list[Item]:
    """Remove what goes; return all as it is then. Each kind clears away what killed runs have left, too."""
    removers = ((kind, remove) for kind, (_, remove) in kinds.KINDS.items())
    return [done for kind, remove in removers for done in remove(site, [one for one in items if one.kind == kind])]


def _described(item: Item, images: list[str]) -> Item:
    built = [f"{', '.join(images)} was built from it"] if images else []
    return replace(item, why=(*(item.why or ("may go",)), *built))
