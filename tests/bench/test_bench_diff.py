"""Diff rows at a small size: both sides see the same, and the sides are what they say."""

import subprocess
from pathlib import Path

from sbkernel.bench import diff, manypackages
from sbkernel.bench.peers import frames
from sbkernel.packages.diff.diff import diff as compare


def test_rows_are_valid_at_a_small_size() -> None:
    rows = [
        *diff.diffs(200, 2), diff.diff_growth((100, 200), 2), diff.matrices(4, 200, 2),
        diff.matrix_growth((2, 4), 100, 2),
    ]  # fmt: skip
    assert [row.name for row in rows] == ["diff 200", "diff frame 200", "growth diff", "matrix 4x200", "growth matrix"]
    assert [row.checks for row in rows if not row.valid] == []
    assert all(row.ratio for row in rows)


def test_an_update_is_what_it_says() -> None:
    before = manypackages.image(1000)
    found = compare(before, manypackages.updated(before))
    assert found.counts == {"removed": 10, "downgraded": 10, "added": 10, "updated": 100}
    assert len(frames.join(before, manypackages.updated(before))) == 130


def test_a_packed_image_is_looked_into(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "var/lib/dpkg").mkdir(parents=True)
    (tree / "var/lib/dpkg/status").write_text("Package: x\nStatus: install ok installed\nVersion: 1\n")
    subprocess.run(["mksquashfs", tree, tmp_path / "x.squashfs", "-quiet", "-no-progress"], check=True)
    (tmp_path / "place").mkdir()
    row = diff.looked_into(tmp_path / "x.squashfs", tmp_path / "place", 2)
    assert row.valid, row.checks
