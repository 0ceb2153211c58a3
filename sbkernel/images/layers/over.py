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
                linking = beside.submit(_settle, "link", base, tree)
                yield view
                linking.result()
            _settle("change", place.path / "upper", tree)
        except BaseException:
            remove_tree(tree)
            raise


def _settle(word: str, source: Path, tree: Path) -> None:
    script = resources.templates() / "image" / "settle.py"
    run([sys.executable, "-I", script, word, source, tree], isolated=True)
