"""The rows of power on a few BMCs: both sides find the same, and nothing is left running."""

from __future__ import annotations

import itertools
from pathlib import Path

from sbkernel.bench.power import rows_of
from sbkernel.bench.workspace import workspace


def test_both_sides_find_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    with workspace(said.append, runs=1, where=tmp_path / "work") as work:
        # ipmipower gives dead BMCs 20 s: the last row is left out.
        rows = list(itertools.islice(rows_of(work, 4), 5))
    kinds = [row.name.partition(", ")[2] for row in rows]
    assert kinds == ["command, cold", "command, warm", "inside, cold", "inside, warm", "1 % loss"]
    # How long they take is the machine's business; what they find is not. A lost packet may cost ipmipower a node.
    assert [row.checks[0].found for row in rows[:4]] == ["4 answered, 0 did not; 4 answered, 0 did not"] * 4
    assert not (tmp_path / "work" / "freeipmi.conf").exists()
