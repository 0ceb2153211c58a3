"""What a layer has to hold so that one content, with it laid over, is seen as another. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sbkernel.images.pack.listing import Listing
from sbkernel.images.pack.packlist import PackList


@dataclass(frozen=True)
class Difference:
    """The paths that a layer holds, their directories among them, and what of the content below it takes away."""

    held: frozenset[str]
    gone: tuple[str, ...]
    is_empty: bool

    def of(self, listed: PackList) -> PackList:
        """Return what of a tree goes into the layer, from what of it goes into the image."""
        kept = [path for path in listed.kept if path in self.held]
        left = (path for path in listed.kept if path not in self.held and above(path) in self.held)
        out = [path for path in listed.excluded if above(f"./{path}") in self.held]
        return PackList([*out, *(path.removeprefix("./") for path in left)], kept)


def difference(below: Listing, now: Listing) -> Difference:
    """Return what has to lie over the content `below`, so that `now` is seen.

    Neither has to have the entries that both have. Whiteouts do for all that is gone, also where a directory replaces
    another one: none has to be opaque.
    A hard link is one file with all its names only if the same layer holds them, so they change together.
    """
    changed = {path for path, entry in now.items() if below.get(path) != entry}
    gone = tuple(path for path in below if path not in now and _is_directory(above(path), below, now))
    held = {over for path in (*changed, *gone) for over in _above(path)} | changed
    return Difference(frozenset(held | {"."}), gone, is_empty=not held)


def above(path: str) -> str:
    """Return the directory that a path is in; of the root itself, itself."""
    return path.rpartition("/")[0] or "."


def _above(path: str) -> Iterator[str]:
    while path != ".":
        path = above(path)
        yield path


def _is_directory(path: str, below: Listing, now: Listing) -> bool:
    """Tell whether a directory of `below` is one now; one that neither lists has stayed as it is."""
    return now[path].is_directory if path in now else path not in below
