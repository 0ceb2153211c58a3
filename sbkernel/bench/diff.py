"""The rows `diff`: two manifests, many images side by side, and a packed image that is not unpacked."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sbkernel.bench import manypackages
from sbkernel.bench.clock import Spells, interleaved
from sbkernel.bench.peers import frames, squashfs
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.images import manifests
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.diff.matrix import matrix
from sbkernel.packages.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

RUNS = 5
PACKAGES = 3_000
SIZES = (3_000, 30_000)
IMAGES = (5, 50)
FRAME = Goal(1.5, "kinds, successors and attention for half as much again")
PIVOT = Goal(1)
MANIFEST = Goal(1 / 4, "4 times faster")
LINEAR = Goal(1.5, "near linear")
_SEEDS = itertools.count()

Pair = tuple[Manifest, Manifest]


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Measure all rows. The packed image is the compute image."""
    runs = work.runs_or(RUNS)
    work.say(f"diff: two manifests of {PACKAGES:,} packages")
    yield from diffs(PACKAGES, runs)
    yield diff_growth(SIZES, runs)
    work.say(f"diff: {IMAGES[-1]} images of {PACKAGES:,} packages side by side")
    yield matrices(IMAGES[-1], PACKAGES, runs)
    yield matrix_growth(IMAGES, PACKAGES, runs)
    work.built()
    packimage(work.site, COMPUTE_IMAGE)
    work.say("diff: the manifest of a packed image")
    yield looked_into(Catalog(work.site).current(COMPUTE_IMAGE).root, work.fresh("unpacked"), runs)


def diffs(count: int, runs: int) -> Iterator[BenchRow]:
    """Compare a diff with a join of two dicts, the least possible work, and its DataFrame with a merge of pandas."""
    (sample,) = _pairs(count, 1)
    found, joined, merged = diff(*sample), frames.join(*sample), frames.merge(*sample)
    ours = "diff: kinds of change, order of versions, successors, attention"
    spells = _each(_pairs(count, runs), diff, frames.join)
    check = _same(_moved(found), joined)
    yield BenchRow(f"diff {count:,}", ours, "join of two dicts", spells.ours_s, spells.peer_s, (check,))
    spells = _each(_pairs(count, runs), lambda a, b: diff(a, b).df, frames.merge)
    checks = (_same(_moved(found), set(zip(merged["name"], merged["arch"], strict=True))), _as_many(found, merged))
    peer = "pandas: outer merge, order of versions"
    yield BenchRow(f"diff frame {count:,}", f"{ours}, .df", peer, spells.ours_s, spells.peer_s, checks, FRAME)


def diff_growth(sizes: Sequence[int], runs: int) -> BenchRow:
    """Measure how the processor time of a diff grows with the packages. A busy machine affects it least."""
    times = [_processor_s([functools.partial(diff, *pair) for pair in _pairs(count, runs)]) for count in sizes]
    return _growth("growth diff", f"diff of {sizes[-1]:,} packages, processor time", sizes, times)


def matrices(images: int, count: int, runs: int) -> BenchRow:
    """Compare many images side by side, as a DataFrame, with a pivot of pandas."""
    several = _images(images, count)
    found, pivoted = matrix(several), frames.pivot(several)
    same = {(line.name, line.arch) for line in found} == set(pivoted.index)
    alike = same and found.df.to_numpy().tolist() == pivoted.sort_index().to_numpy().tolist()
    check = Check("the same packages and versions", ok=alike, found=f"{len(found)} of {found.total} differ")
    spells = interleaved(lambda: matrix(several).df, lambda: frames.pivot(several), runs)
    what = f"{images} images of {count:,} packages side by side, .df"
    name, peer = f"matrix {images}x{count:,}", "pandas: concat, unstack, nunique"
    return BenchRow(name, what, peer, spells.ours_s, spells.peer_s, (check,), PIVOT)


def matrix_growth(images: Sequence[int], count: int, runs: int) -> BenchRow:
    """Measure how the processor time of a matrix grows with the images."""

    several = [_images(number, count) for number in images]
    times = [_processor_s([functools.partial(matrix, one)] * runs) for one in several]
    return _growth("growth matrix", f"{images[-1]} images of {count:,} packages, processor time", images, times)


def looked_into(root: Path, place: Path, runs: int) -> BenchRow:
    """Compare the manifest of a packed image with unpacking all of it first, below an empty directory."""
    turn = iter(range(runs + 1))

    def peer() -> Manifest:
        return manifests.of_tree(squashfs.unpack(root, place / str(next(turn))))

    ours, theirs = manifests.of_packed(root), peer()
    check = Check("the same packages", ok=ours.packages == theirs.packages and len(ours) > 0, found=f"{len(ours)}")
    spells = interleaved(lambda: manifests.of_packed(root), peer, runs)
    what = f"manifest of a packed image of {root.stat().st_size / 1e6:.0f} MB"
    return BenchRow("manifest", what, "unsquashfs of everything, then the same", spells.ours_s, spells.peer_s, (check,),
               MANIFEST, notes=(spells.note,))  # fmt: skip


def _pairs(count: int, number: int) -> list[Pair]:
    """Return images and their updates; each pair has versions that no other has."""
    images = [manypackages.image(count, next(_SEEDS)) for _ in range(number)]
    return [(before, manypackages.updated(before)) for before in images]


def _images(number: int, count: int) -> list[Manifest]:
    """Return images; every second one is updated."""
    base = manypackages.image(count)
    return [base if n % 2 else manypackages.updated(base) for n in range(number)]


def _each(pairs: Sequence[Pair], ours: Callable[[Manifest, Manifest], object],
          peer: Callable[[Manifest, Manifest], object]) -> Spells:  # fmt: skip
    """Time both sides on one pair after the other, so that no side has cached the versions of the previous run."""
    left, right = iter(pairs), iter(pairs)
    return interleaved(lambda: ours(*next(left)), lambda: peer(*next(right)), len(pairs))


def _processor_s(actions: Sequence[Callable[[], object]]) -> tuple[float, ...]:
    """Return the processor time of each, by the finest clock: they are too short for the clock of the other rows."""
    times = []
    for action in actions:
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return tuple(times)


def _moved(found: Diff) -> frames.MovedPackages:
    return {package.key for row in found for package in (row.old, row.new) if package}


def _same(ours: frames.MovedPackages, peer: frames.MovedPackages) -> Check:
    return Check("the same packages changed", ok=ours == peer and bool(ours), found=f"{len(ours)}, {len(peer)}")


def _as_many(found: Diff, merged: pd.DataFrame) -> Check:
    ours, peer = found.counts.get("downgraded", 0), int(merged["older"].sum())
    return Check("as many are older", ok=ours == peer, found=f"{ours}, {peer}")


def _growth(name: str, ours: str, sizes: Sequence[int], times: Sequence[tuple[float, ...]]) -> BenchRow:
    factor = sizes[-1] / sizes[0]
    linear = tuple(seconds * factor for seconds in times[0])
    check = Check("both sizes were measured", ok=all(times), found=" and ".join(f"{size:,}" for size in sizes))
    return BenchRow(name, ours, f"{factor:g} times the time for {sizes[0]:,}", times[-1], linear, (check,), LINEAR)
