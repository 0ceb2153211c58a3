"""One look at the store a second for the whole service: what changed is read once, and told to all who follow it.

A look while nothing changed costs the same for ten nodes and for a hundred thousand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.store.interface import Changed, Key
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

_LOOK_EVERY_S = 1.0
_LOOP = "changes of definitions"


@dataclass
class News:
    """What somebody has not heard of yet."""

    everything: bool = False
    """Every node is in `nodes`, and any other object may have changed."""
    nodes: dict[str, Definition | None] = field(default_factory=dict)
    """Nodes that may have changed, or whose groups have, as they are now; None for one that is gone."""
    objects: frozenset[Key] = frozenset()
    """All objects that changed, of every type."""

    def touches(self, *objtypes: str) -> bool:
        """Say whether an object of one of these types may have changed."""
        return self.everything or any(objtype in objtypes for objtype, _name in self.objects)

    def then(self, later: News) -> News:
        """Return both in one."""
        if later.everything:
            return later
        return News(self.everything, {**self.nodes, **later.nodes}, self.objects | later.objects)


class Changes:
    """Read what changed in the store of a site since it was read last; the first time everything did."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._since: int | None = None

    def read(self) -> News | None:
        """Return what changed, None if nothing did. One that fails can be repeated."""
        store, nodes = self._site.store, self._site.nodes
        found = Changed(store.revision(), None) if self._since is None else store.changed(self._since)
        if found.objects is None:
            news: News | None = News(everything=True, nodes=dict(nodes.many(nodes)))
        elif found.objects:
            names = nodes.touched(found.objects)
            news = News(nodes={**dict.fromkeys(names), **nodes.many(names)}, objects=found.objects)
        else:
            news = None
        self._since = found.revision
        return news


class Watcher:
    """Follow the store. As a container it holds the names of all nodes."""

    def __init__(self, site: Site, loops: Supervisor) -> None:
        # A connection of its own, used in threads: a slow database must not hold up the service.
        self._reader = Site.open(site.root, create=False)
        self._changes = Changes(self._reader)
        self._site = site
        self._loops = loops
        self._names: set[str] = set()
        self._followers: list[Follower] = []
        self._turn = asyncio.Lock()

    def __contains__(self, node: object) -> bool:
        """Say whether there is such a node; the store is asked only for one that was not there a second ago."""
        return node in self._names or node in self._site.nodes

    def __len__(self) -> int:
        return len(self._names)

    def follow(self, name: str, take: Take) -> Follower:
        """Return a follower that hands news to `take` in a loop called `name`; the first are everything."""
        self._followers.append(Follower(self, self._loops, name, take))
        return self._followers[-1]

    async def start(self) -> None:
        """Read everything and look for changes from now on. Raises SbkernelError when it cannot be read."""
        await self.look()
        self._loops.start(_LOOP, self._look_forever)

    async def stop(self) -> None:
        """Stop looking."""
        await self._loops.stop(_LOOP)
        self._reader.close()

    async def look(self) -> None:
        """Look now; what changed is told before this returns."""
        async with self._turn:
            news = await asyncio.to_thread(self._changes.read)
            if news is None:
                return
            self._note(news)
            for follower in self._followers:
                follower.tell(news)

    def _note(self, news: News) -> None:
        if news.everything:
            self._names.clear()
        self._names.difference_update(news.nodes)
        self._names.update(name for name, node in news.nodes.items() if node is not None)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()


class Follower:
    """A part that hears of changes, at its own pace; what it fails to take in comes again."""

    def __init__(self, watcher: Watcher, loops: Supervisor, name: str, take: Take) -> None:
        self._watcher = watcher
        self._loops = loops
        self._name = name
        self._take = take
        self._pending: News | None = None
        self._there = asyncio.Event()
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Take in what there is and what comes."""
        self._loops.start(self._name, self._take_forever)

    async def stop(self) -> None:
        """Take in nothing more."""
        await self._loops.stop(self._name)

    def tell(self, news: News) -> None:
        """Add news to what is pending."""
        self._pending = self._pending.then(news) if self._pending else news
        self._there.set()

    async def catch_up(self) -> None:
        """Return when what the store says by now is taken in."""
        await self._watcher.look()
        await self._take_pending()

    async def _take_forever(self) -> None:
        while True:
            await self._there.wait()
            await self._take_pending()

    async def _take_pending(self) -> None:
        async with self._turn:
            news, self._pending = self._pending, None
            self._there.clear()
            if news is None:
                return
            try:
                await self._take(news)
            except BaseException:
                self._pending = news.then(self._pending) if self._pending else news
                self._there.set()
                raise


Take = Callable[[News], Awaitable[None]]
