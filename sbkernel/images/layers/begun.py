"""Begin with the layer of the last build before it is known which packages are wanted: link its files, look at them.

To choose packages and to fetch them leaves processors idle, and mostly few packages are others than before.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.images.layers.layers import KNOWN, Layers
from sbkernel.images.layers.listing import sealing
from sbkernel.images.layers.over import link
from sbkernel.images.tree.namespaces import remove_tree


@dataclass(frozen=True)
class Begun:
    """A layer that a change may start from, a tree of hard links to it, and what was found in it."""

    layer: str
    place: Path
    linked: Future[None]
    found: Future[Mapping[str, Any]]

    @property
    def tree(self) -> Path:
        """Return the tree of hard links."""
        return self.place / "tree"

    def put(self, tree: Path) -> None:
        """Put the tree of hard links in its place, when it is whole."""
        self.linked.result()
        self.tree.rename(tree)

    def sealing(self, keep: Path) -> Mapping[str, Any]:
        """Return what sealing() does."""
        found = self.found.result()
        with suppress(OSError):  # then all files are looked at once more
            (self.place / KNOWN).replace(keep)
        return found


@contextmanager
def begun(layers: Layers, layer: str) -> Iterator[Begun | None]:
    """Begin with a layer for a block, in which it stays; what nobody has taken until then is removed.

    None if there is no such layer that a change may start from, or somebody makes or removes it.
    """
    with ExitStack() as stack:
        descriptor = layers.hold(layer, wait=False) if layer else None
        if descriptor is not None:
            stack.callback(os.close, descriptor)
        facts = layers.facts(layer) if descriptor is not None else {}
        if not facts.get("seal") or not facts.get("shared"):
            yield None
            return
        # By this name it is found when its owner was killed (Layers.prune).
        place = Path(tempfile.mkdtemp(prefix=".new", suffix=f"-{layer}", dir=layers.root))
        stack.callback(remove_tree, place)
        threads = stack.enter_context(ThreadPoolExecutor(2))
        source = layers.tree(layer)
        linked = threads.submit(link, source, place / "tree")
        yield Begun(layer, place, linked, threads.submit(sealing, source, keep=place / KNOWN))
