"""What a node sees of a stack is the tree, whatever has changed between its layers."""

from pathlib import Path

import pytest
from seenstack import described, seen
from treechanges import Changing

from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.difference import difference
from sbkernel.images.pack.erofs import Erofs
from sbkernel.images.pack.listing import Listing, parsed
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.jobs.report import NullReport

EXCLUDED = [[], [], ["./a*"], ["./*/b", "./c d"], ["./*é"]]


@pytest.mark.parametrize(
    ("packed_as", "seed"), [*((Squashfs, seed) for seed in range(8)), *((Erofs, seed) for seed in range(8, 12))]
)
def test_the_mounted_stack_is_the_tree(tmp_path: Path, packed_as: type[Squashfs | Erofs], seed: int) -> None:
    changing = Changing(tmp_path / "tree", seed)
    roots: list[Path] = []
    below: Listing = {}
    for number in range(4):
        packed = content_of(changing.tree, exclude=changing.random.choice(EXCLUDED), include=[])
        kept, now = packed.listed.kept, parsed(packed.content_list().lines)
        if roots:
            packed = packed.layer(difference(below, now))
        roots.append(tmp_path / str(number))
        packed_as().pack(packed, roots[-1], NullReport())
        assert seen(tmp_path / "seen", roots) == described(changing.tree, kept), f"seed {seed}, {len(roots)} roots"
        below = now
        assert not (tmp_path / ".layer").exists()
        for _ in range(changing.random.choice([1, 3, 12])):
            changing.step()
