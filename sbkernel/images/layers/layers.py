"""Layers: trees with packages and nothing else, named by the digest of all that went in; made once, then copied.

A file of one may be a hard link to that of another, so a tree is never changed in place nor given away.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.files import in_turn, made, take, write_whole
from sbkernel.images.layers.listing import sealing
from sbkernel.images.tree.namespaces import clean, remove_tree
from sbkernel.jobs.processes import boot_id
from sbkernel.jobs.run import run

KNOWN = "known"
"""What is known of the files that a layer shares with another, beside its tree until it is complete."""


@dataclass(frozen=True)
class Layers:
    """The layers below one directory: `<digest>/tree`, `<digest>/layer.json`."""

    root: Path

    def __contains__(self, digest: str) -> bool:
        """Tell whether a layer is there; a partial one has another name."""
        try:
            facts = self.facts(digest)
        except OSError:
            return False
        except ValueError:
            return True
        # Before it has its seal, nobody can tell what a crash of the machine has left of its files.
        return "seal" in facts or facts.get("boot", boot_id()) == boot_id()

    def tree(self, digest: str) -> Path:
        """Return the tree of a layer."""
        return self.root / digest / "tree"

    def facts(self, digest: str) -> dict[str, Any]:
        """Return what is recorded about a layer."""
        facts: dict[str, Any] = json.loads((self.root / digest / "layer.json").read_text())
        return facts

    def every(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each layer that is there with what is recorded about it; one that cannot be read is left out."""
        for digest in self.digests():
            with suppress(OSError, ValueError):
                yield digest, self.facts(digest)

    def hold(self, digest: str, *, wait: bool = True) -> int | None:
        """Return a descriptor that keeps a layer where it is until it is closed; None if there is no such layer.

        Unless it may `wait`, a layer that somebody makes or removes is none.
        """
        if digest not in self:
            return None
        try:
            descriptor = take(self._turn(digest), wait=wait, shared=True)
        except BlockingIOError:
            return None
        if digest in self:
            os.utime(self.root / digest)
            return descriptor
        os.close(descriptor)
        return None

    def make(self, digest: str, build: Callable[[Path], Mapping[str, Any]], *, anew: bool = False) -> int:
        """Build a layer with `build(tree) -> facts` if it is not there or `anew`, and hold it.

        Two builds of the same layer take turns; the second finds it made. A layer appears by rename, whole.
        """
        while True:
            with in_turn(self._turn(digest)):
                if anew or digest not in self:
                    self._make(digest, build)
            if (descriptor := self.hold(digest)) is not None:
                return descriptor

    def examine(self, digest: str, look: Callable[[Path, Path], None]) -> None:
        """Call `look(tree, place)` for a layer, if it is there, while nobody uses it; the place goes afterwards."""
        with in_turn(self._turn(digest)):
            place = self.root / f".new-{digest}"
            remove_tree(place)
            if digest in self:
                try:
                    look(self.tree(digest), made(place))
                finally:
                    remove_tree(place)

    def _turn(self, digest: str) -> Path:
        return self.root / f".turn-{digest}"

    def _make(self, digest: str, build: Callable[[Path], Mapping[str, Any]]) -> None:
        clean(self.root, f".new-{digest}*")
        new = self.root / f".new-{digest}"
        new.mkdir()
        try:
            facts = build(new / "tree")
            about = {"made": time.time(), "boot": boot_id(), **facts}
            write_whole(new / "layer.json", json.dumps(about, indent=1))
        except BaseException:
            remove_tree(new)
            raise
        self.remove(digest)
        new.rename(self.root / digest)

    def complete(self, digest: str) -> None:
        """Record of a layer that somebody holds what tells later whether it is damaged, and how large it is."""
        facts, known = self.facts(digest), self.tree(digest).with_name(KNOWN)
        if "seal" not in facts:
            about = {**facts, **sealing(self.tree(digest), use=known)}
            write_whole(self.root / digest / "layer.json", json.dumps(about, indent=1))
            known.unlink(missing_ok=True)

    def remove(self, digest: str) -> None:
        """Remove a layer: out of sight first, so that a partial one is never taken for whole."""
        layer = self.root / digest
        if layer.exists():
            gone = self.root / f".gone-{digest}"
            remove_tree(gone)
            layer.rename(gone)
            remove_tree(gone)

    def digests(self) -> list[str]:
        """Return the layers that are there."""
        return sorted(file.parent.name for file in self.root.glob("[0-9a-f]*/layer.json"))

    def last_used(self, digest: str) -> float:
        """Return when a layer was held last, in seconds since the epoch; 0.0 if there is none."""
        with suppress(FileNotFoundError):
            return (self.root / digest).stat().st_mtime
        return 0.0

    def bytes(self, digest: str) -> int:
        """Return what a layer takes on the disk, as it was found when it was made; files that it shares count whole."""
        with suppress(OSError, ValueError, KeyError):
            return int(self.facts(digest)["bytes"])
        return disk_usage(self.root / digest)

    def is_held(self, digest: str) -> bool:
        """Tell whether somebody makes or holds a layer now."""
        try:
            with in_turn(self._turn(digest), wait=False):
                return False
        except BlockingIOError:
            return True

    def prune(self, going: Collection[str] = ()) -> None:
        """Remove layers, but none in use, and what killed builds have left."""
        leftovers = {path.name.split("-")[1] for path in self.root.glob(".[ng]*-*")}
        for digest in going:
            with suppress(BlockingIOError), in_turn(self._turn(digest), wait=False):
                self.remove(digest)
        for digest in leftovers:
            with suppress(BlockingIOError), in_turn(self._turn(digest), wait=False):
                clean(self.root, f".*-{digest}")


def disk_usage(tree: Path) -> int:
    """Return the bytes that a tree takes, which may hold other users' files."""
    return int(run(["du", "--summarize", "--block-size=1", "--", tree], isolated=True).stdout.split()[0])
