"""Change a copy of a tree without copying it: the changes lie over it while programs run, then both become one tree.

Files that have not changed are hard links. They are made while the programs run, which use one processor. So nobody may
ever write to a file of such a tree in place: layers are only read, and what is made of them is a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from sbkernel.images.sync.view import Place, View
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.images.tree.scripts import Call, of_image, run_in_turn
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

Linking: TypeAlias = Callable[[Path], None]
"""What puts a tree at a path that has all files of another as hard links, and its directories."""


@contextmanager
def changing(
    base: Path, tree: Path, report: Report, linking: Linking | None = None, then: Sequence[Call] = ()
) -> Iterator[View]:
    """Yield a view of `base` that can be changed; after the block `tree` is what it has become, and `base` as it was.

    When the block fails there is no tree. Both lie on the same file system. Somebody may be `linking` the base already.
    `then` are scripts that work on the tree afterwards.
    """
    place = Place(tree.with_name("changes"), base)
    with place.opened():
        view = place.make(report)
        if not view.before:
            yield view
            run(["mv", "--no-target-directory", "--", view.tree, tree], isolated=True)
            run_in_turn(then)
            return
        try:
            with ThreadPoolExecutor(1) as beside:
                linked = beside.submit(linking or partial(link, base), tree)
                yield view
                linked.result()
            run_in_turn([Call(of_image("settle"), (place.path / "upper", tree)), *then])
        except BaseException:
            remove_tree(tree)
            raise


def link(source: Path, tree: Path) -> None:
    """Make a tree with the same directories and files; the files are hard links, whatever they are."""
    run(["cp", "--archive", "--link", "--no-target-directory", "--", source, tree], isolated=True)
