"""Make a layer: from the nearest one there is by what comes and leaves, or clean where that would not be the same.

The digest of a layer is that of the wanted packages, however it was made; so it must be what a clean build gives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError, ToolMissingError
from sbkernel.files import made
from sbkernel.images.families.change import recorded
from sbkernel.images.families.package_manager import PackageManager
from sbkernel.images.families.resolved import NotFetchedError, Resolution
from sbkernel.images.layers.begun import Begun
from sbkernel.images.layers.layers import KNOWN, Layers
from sbkernel.images.layers.listing import listing, sealing, unlike
from sbkernel.images.layers.nearest import Start, starts
from sbkernel.images.plan import digest_of
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import Report

TRIED = 3
"""How many layers are looked at more closely, the nearest first."""
NO_OTHER = "no layer is near"
_FAILURES = (BuildError, CommandError, ToolMissingError, OSError)
"""What a clean build may do without; a job that is cancelled ends."""


class UnlikeError(BuildError):
    """A layer is not what a clean build gives."""


class _DamagedError(BuildError):
    """A layer is not what it was when it was made."""


@dataclass(frozen=True)
class Making:
    """How the layer of some packages is made; `clean` never starts from another, `verify` builds clean beside it.

    Nobody starts from one without a seal; unless it `seals`, that is done when the layer is completed (layers.py).
    While packages are installed into its empty tree, that is `watched`. A layer may be `begun` with: it is likely to be
    the nearest.
    """

    layers: Layers
    manager: PackageManager
    resolution: Resolution
    clean: bool = False
    verify: bool = False
    seals: bool = True
    watched: Callable[[Path], AbstractContextManager[object]] = nullcontext
    begun: Begun | None = None

    def make(self, tree: Path, report: Report) -> dict[str, Any]:
        """Fill `tree`; return its facts: those of install(), how it was made, and what others need to start from it."""
        facts = self._changed(tree, report)
        if self.verify and "start" in facts:
            self.compare(tree, facts, tree.with_name("clean"), report)
        sealed = sealing(tree) if self.seals else {}
        return {**facts, **self._shared(), **recorded(self.resolution, self.manager.asked), **sealed}

    def foresee(self) -> str:
        """Say how it would be made now; nothing is changed."""
        if self.clean:
            return "clean, as asked"
        reasons = []
        for start in self._starts():
            try:
                if not (reason := self._damage(start) or self._why_clean(start)):
                    return str(start)
            except NotFetchedError as error:
                return f"{start}; clean if their scripts need that ({error.message})"
            reasons.append(reason)
        return f"clean: {reasons[0] if reasons else NO_OTHER}"

    def compare(self, tree: Path, facts: Mapping[str, Any], place: Path, report: Report) -> None:
        """Build the same clean in a place of its own; BuildError, showing what differs, unless both are the same."""
        report.log("the same packages are installed into an empty tree, to compare")
        try:
            clean = self.manager.install(self.resolution, made(place) / "tree", report)
            trees = (listing(place / "tree", int(clean["epoch"])), listing(tree, int(facts["epoch"])))
        finally:
            remove_tree(place)
        if lines := unlike(*trees):
            raise UnlikeError(
                "the tree is not what a clean build (-) gives:\n" + "\n".join(lines),
                hint="genimage --clean builds it clean",
            )
        report.log("the tree is exactly what a clean build gives")

    def examine(self, digest: str, report: Report) -> None:
        """Compare the layer with a clean build, if it is there; BuildError where they differ, and then it goes."""
        self.manager.fetch(self.resolution, report)
        facts = self.layers.facts(digest)

        def look(tree: Path, place: Path) -> None:
            try:
                self.compare(tree, facts, place / "clean", report)
            except UnlikeError:
                self.layers.remove(digest)
                raise

        self.layers.examine(digest, look)

    def _changed(self, tree: Path, report: Report) -> dict[str, Any]:
        """Fill the tree from the nearest layer from which that can be done, or clean; return facts."""
        reasons = ["as asked"] if self.clean else []
        for start in [] if self.clean else self._starts():
            with self._held(start) as base:
                reason = self._why_clean(start) if base else "the layer is being made or removed"
                if base and not reason:
                    report.log(f"start {start}")
                    try:
                        facts = self._change(start, base, tree, report)
                    except _FAILURES as error:
                        report.log(str(error))
                        first, *_ = str(error).split("\n")
                        reason = first if isinstance(error, _DamagedError) else f"the change has failed: {first}"
                        for left in (tree, tree.with_name(KNOWN)):
                            remove_tree(left)
                    else:
                        return {**facts, "start": start.facts, "how": str(start)}
                report.log(f"not {start}: {reason}")
                reasons.append(reason)
        how = f"clean: {reasons[0] if reasons else NO_OTHER}"
        report.log(f"build {how}")
        with self.watched(tree):
            return {**self.manager.install(self.resolution, tree, report), "how": how}

    def _starts(self) -> list[Start]:
        shared = self._shared()["shared"]
        asked = self.manager.asked
        return starts(self.layers.every(), self.resolution, asked, shared)[:TRIED] if shared else []

    def _shared(self) -> dict[str, str]:
        shared = self.manager.shared(self.resolution)
        return {"shared": "" if shared is None else digest_of(shared)}

    def _why_clean(self, start: Start) -> str:
        """Return what stands against a start: damage, or what its packages do."""
        try:
            return self.manager.why_clean(start.change, self.resolution, self.layers.tree(start.layer))
        except NotFetchedError:
            raise
        except (*_FAILURES, ValueError, KeyError) as error:
            return _unreadable(start, error)

    def _damage(self, start: Start, found: Callable[[], Mapping[str, Any]] | None = None) -> str:
        """Return how a layer is not what it was when it was made; somebody may have `found` what is in it."""
        try:
            now = found() if found else sealing(self.layers.tree(start.layer))
            whole = now["seal"] == self.layers.facts(start.layer)["seal"]
            return "" if whole else f"layer {start.layer[:12]} is damaged"
        except (*_FAILURES, ValueError, KeyError) as error:
            return _unreadable(start, error)

    def _change(self, start: Start, base: Path, tree: Path, report: Report) -> Mapping[str, Any]:
        """Change a layer, and look meanwhile whether it is damaged; what has become of it is no matter then."""
        known = tree.with_name(KNOWN)
        begun = self.begun if self.begun and self.begun.layer == start.layer else None
        with ThreadPoolExecutor(1) as beside:
            find = partial(begun.sealing, known) if begun else partial(sealing, base, keep=known)
            looking = beside.submit(self._damage, start, find)
            try:
                linking = begun.put if begun else None
                facts = self.manager.change(start.change, self.resolution, base, tree, report, linking)
            except _FAILURES as error:
                if damage := looking.result():
                    raise _DamagedError(damage) from error
                raise
            if damage := looking.result():
                raise _DamagedError(damage)
            return facts

    @contextmanager
    def _held(self, start: Start) -> Iterator[Path | None]:
        """Keep a layer where it is for a block; None if somebody is making or removing it: nobody waits for it here."""
        descriptor = self.layers.hold(start.layer, wait=False)
        try:
            yield None if descriptor is None else self.layers.tree(start.layer)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _unreadable(start: Start, error: Exception) -> str:
    return f"layer {start.layer[:12]} cannot be read: {error}"
