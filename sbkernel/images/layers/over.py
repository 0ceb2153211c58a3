"""Change a copy of a tree without copying it: the changes lie over it while programs run, then both become one tree.

Files that have not changed are hard links. They are made while the programs run, which use one processor. So nobody may
ever write to a file of such a tree in place: layers are only read, and what is made of them is a copy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sbkernel import resources
from sbkernel.images.sync.view import Place, View
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run


@contextmanager
def changing(base: Path, tree: Path, report: Report) -> Iterator[View]:
    """Yield a view of `base` that can be changed; after the block `tree` is what it has become, and `base` as it was.

    When the block fails there is no tree. Both lie on the same file system.
    """
    place = Place(tree.with_name("changes"), base)
    with place.opened():
        view = place.make(report)
        if not view.before:
            yield view
            run(["mv", "--no-target-directory", "--", view.tree, tree], isolated=True)
            return
        try:
            with ThreadPoolExecutor(1) as beside:
                linking = beside.submit(_link, base, tree)
                yield view
                linking.result()
            _settle(place.path / "upper", tree)
        except BaseException:
            remove_tree(tree)
            raise


def _link(source: Path, tree: Path) -> None:
    """Make a tree with the same directories and files; the files are hard links, whatever they are."""
    run(["cp", "--archive", "--link", "--no-target-directory", "--", source, tree], isolated=True)


def _settle(changes: Path, tree: Path) -> None:
    """Move changes into a tree."""
    run([sys.executable, "-I", resources.templates() / "image" / "settle.py", changes, tree], isolated=True)
