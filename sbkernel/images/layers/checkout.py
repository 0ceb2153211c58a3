"""The tree of an image, made of a layer: copied, or the one of the last build brought up to date.

A list in the rootimgdir says which files of a tree are copies of a layer's that nobody has touched since. With it, what
differs is all that has to be copied, and what configured the tree, or somebody's hand, is undone. Where packages are
installed into an empty tree, most of it is copied meanwhile: that takes one processor, and there are more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.images.layers.layers import Layers
from sbkernel.images.pack.packlist import mounts_below
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree import scripts
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.processes import boot_id
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.jobs.spawn import DEVNULL, PIPE, end, spawn_here


@dataclass(frozen=True)
class Checkout:
    """How the tree of one image is made; `before_taking` is called before the old one is taken from its place.

    A tree is copied `anew` where that is asked for, and where nothing is known of the old one: its list is from before
    a crash of the machine, or the layer that it was made of is gone or has nothing to do with the new one.
    """

    layers: Layers
    directory: RootimgDir
    before_taking: Callable[[], None]
    anew: bool = False

    @contextmanager
    def ahead(self, layer: Path) -> Iterator[None]:
        """Copy the tree of a layer while it is made in a block, for make(), in the work place of the build."""
        tree, listed = self.directory.ahead
        for left in (tree, listed):
            remove_tree(left)
        process = spawn_here(
            scripts.argv(scripts.of_image("ahead"), layer, tree, listed),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            isolated=True,
        )
        try:
            yield
            if process.stdin:
                process.stdin.close()
            process.wait()
        finally:
            end(process)

    def make(self, layer: str, tree: Path, report: Report) -> None:
        """Make `tree` of a layer, which somebody holds."""
        begun, listed = self.directory.ahead
        if listed.exists():
            begun.rename(tree)
            listed.replace(self.directory.copied)
            report.log(f"files that were not copied while packages were installed: {self._list('update', layer, tree)}")
            return
        known = {} if self.anew else self._known()
        with self._base(known, layer) as base:
            if base is None:
                self._list("copy", layer, tree)
                return
            if base == self.directory.tree:
                self.before_taking()
            self.directory.take(base, tree)
            copied = self._list("update", layer, tree, str(known["epoch"]))
            report.log(f"the tree of the last build is brought up to date: {copied} files copied")

    @contextmanager
    def _base(self, known: Mapping[str, Any], layer: str) -> Iterator[Path | None]:
        """Yield the tree to start from, while the layer stays that it was made of; None if there is none."""
        tree = self._tree(known)
        old = str(known.get("layer", ""))
        descriptor = self.layers.hold(old, wait=False) if tree else None
        try:
            yield tree if descriptor is not None and self._leads(old, known, layer) else None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _known(self) -> dict[str, Any]:
        """Return what the list says that it is about; nothing if it is of no use."""
        with suppress(OSError, ValueError), self.directory.copied.open("rb") as file:
            about, inode = json.loads(file.readline()), int(file.readline())
            if isinstance(about, dict) and about.get("boot") == boot_id():
                return {**about, "inode": inode}
        return {}

    def _tree(self, known: Mapping[str, Any]) -> Path | None:
        """Return where the tree lies that a list is about, if nothing is mounted there: in its place, or set aside."""
        mounts = Path("/proc/self/mountinfo").read_text()
        place = self.directory.tree if self.directory.record() else self.directory.old
        if known and place.is_dir() and not place.is_symlink() and not mounts_below(place, mounts):
            return place if place.stat().st_ino == known.get("inode") else None
        return None

    def _leads(self, old: str, known: Mapping[str, Any], new: str) -> bool:
        """Tell whether the old layer is the one that was there, and shares files with the new one."""
        with suppress(OSError, ValueError):
            before, now = self.layers.facts(old), self.layers.facts(new)
            related = {old, _start(before)} & {new, _start(now)} - {""}
            return bool(related) and before.get("made") == known.get("made")
        return False

    def _list(self, word: str, layer: str, tree: Path, *old: str) -> str:
        """Make a tree and the list of it; return how many files were copied."""
        facts = self.layers.facts(layer)
        epoch = int(facts["epoch"])
        about = json.dumps({"layer": layer, "made": facts["made"], "epoch": epoch, "boot": boot_id()})
        paths = (self.layers.tree(layer), tree, self.directory.copied)
        words = scripts.argv(scripts.of_image("checkout"), word, *paths, about, str(epoch), *old)
        return run(words, isolated=True).stdout.strip()


def _start(facts: Mapping[str, Any]) -> str:
    start = facts.get("start") or {}
    return str(start.get("layer", ""))
