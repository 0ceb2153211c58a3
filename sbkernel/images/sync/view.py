"""A tree as it is packed: with changes over it that only the programs see which it runs.

The changes lie in a directory beside the tree, which stays as genimage made it (overlayfs, Linux 5.11 for ordinary
users). Where its file system cannot hold them, such as another overlay or NFS, the tree is copied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import CommandError
from sbkernel.images.tree.emulation import emulated_in
from sbkernel.images.tree.namespaces import copy_tree, remove_tree
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import Completed, run
from sbkernel.jobs.spawn import Words

# No change of a directory is only noted, and none is made in place of a copy: any kernel then reads what is there.
# The changes go with the process, so nobody waits until they are on the disk, as without `volatile` at every unmount.
_OPTIONS = "redirect_dir=off,metacopy=off,index=off,volatile"
# The directory of the changes is the root that is seen. Then the overlay is tried, in the same namespace.
_LIKE = 'for set in chown chmod touch; do "$set" --reference="$1" "$2" || exit; done; shift 2; exec "$@"'


@dataclass(frozen=True)
class View:
    """A tree, and what must come before the argv of a program so that it sees the tree at that path.

    `source` is where the tree lies for everybody, if that is another path.
    """

    tree: Path
    before: tuple[str | os.PathLike[str], ...] = ()
    source: Path | None = None

    @property
    def isolated(self) -> bool:
        """Tell whether a program that sees the tree must be run in namespaces of its own."""
        return bool(self.before) or os.geteuid() != 0

    @property
    def within(self) -> tuple[str | os.PathLike[str], ...]:
        """Return what must come before the argv of a program that starts those of the tree, whatever they are for."""
        return (*self.before, *emulated_in(self.source or self.tree))

    def run(self, words: Words, **options: Any) -> Completed:
        """Run a program that sees the tree."""
        words = [find_program(os.fspath(words[0])), *words[1:]] if self.before else words
        return run([*self.before, *words], isolated=self.isolated, **options)

    @property
    def made_s(self) -> int:
        """Return when the tree was made, in seconds since the epoch."""
        return int((self.source or self.tree).lstat().st_mtime)


@dataclass(frozen=True)
class Place:
    """Where the changes lie: a directory beside the tree, gone after `opened`."""

    path: Path
    source: Path

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Begin without changes, whatever a killed run has left; nothing is left after the block."""
        remove_tree(self.path)
        try:
            yield
        finally:
            remove_tree(self.path)

    def make(self, report: Report) -> View:
        """Return a view of the tree that can be changed."""
        remove_tree(self.path)
        # What is on its way into the tree is for nobody else to read before it has its mode.
        self.path.mkdir(mode=0o700)
        for name in ("lower", "upper", "work", "merged"):
            (self.path / name).mkdir()
        try:
            seen = [*self._overlay().before, "true"]
            run(["sh", "-c", _LIKE, "sh", self.source, self.path / "upper", *seen], isolated=True)
        except CommandError as error:
            why = error.tail.strip().rpartition("\n")[2]
            report.log(f"no overlay of {self.source} ({why}): the tree is copied")
            remove_tree(self.path)
            self.path.mkdir(mode=0o700)
            copy_tree(self.source, self.path / "merged")
        return self.view

    @property
    def view(self) -> View:
        """Return the view that was made before."""
        return self._overlay() if (self.path / "upper").is_dir() else View(self.path / "merged", source=self.source)

    def _overlay(self) -> View:
        script = resources.templates() / "image" / "view.sh"
        options = _OPTIONS if os.geteuid() == 0 else f"{_OPTIONS},userxattr"
        return View(self.path / "merged", ("sh", script, self.path, self.source, options), self.source)
