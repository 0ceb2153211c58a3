"""Ratios, goals, verdicts and the printed table; a row of different work is never a ratio."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.bench.row import BenchRow, Check, Goal, Share, failed_row, passed
from sbkernel.bench.show import block, frame, rows_table
from sbkernel.bench.suite import bench
from sbkernel.errors import DefinitionError
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

SAME = Check("packages", ok=True, found="200 by name and version")
OTHER = Check("packages", ok=False, found="only ours: vim")
ROW = BenchRow("pack", "packimage", "mksquashfs", (3.0, 9.0, 2.0), (6.0, 5.0, 7.0), (SAME,), Goal(0.6))

seconds = st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=5).map(tuple)


def test_the_ratio_is_that_of_the_medians() -> None:
    assert ROW.ratio == 0.5


@given(ours=seconds, peer=seconds, limit=st.floats(0.01, 10))
def test_a_goal_is_met_at_or_below_it_and_turning_sides_inverts_the_ratio(
    ours: tuple[float, ...], peer: tuple[float, ...], limit: float
) -> None:
    row = replace(ROW, ours_s=ours, peer_s=peer, goal=Goal(limit))
    turned = replace(row, ours_s=peer, peer_s=ours)
    assert row.ratio is not None
    assert turned.ratio == pytest.approx(1 / row.ratio)
    assert row.met == (row.ratio <= limit)


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, checks=(SAME, OTHER)),
        replace(ROW, checks=()),
        replace(ROW, peer_s=()),
        failed_row("pack", "packimage", "mksquashfs", "mksquashfs not found", Goal(0.6)),
    ],
    ids=["other work", "nothing checked", "peer did not run", "failed"],
)
def test_what_was_not_shown_to_be_the_same_work_has_no_ratio_and_meets_no_goal(row: BenchRow) -> None:
    assert not row.valid
    assert row.ratio is None
    assert row.met is False
    assert not passed([ROW, row])
    assert "INVALID" in block(row)
    assert "INVALID" in rows_table([row])
    assert "0.5" not in rows_table([replace(row, goal=None)])


def test_a_row_without_a_goal_informs_only() -> None:
    row = replace(ROW, goal=None, ours_s=(100.0,))
    assert row.met is None
    assert passed([row])
    assert "no goal" in block(row)


def test_a_missed_goal_is_told() -> None:
    row = replace(ROW, ours_s=(6.0,))
    assert row.met is False
    assert not passed([row])
    assert "MISSED" in rows_table([row])


def test_the_table_has_every_number_of_a_row() -> None:
    head, line = rows_table([replace(ROW, goal=Goal(1 / 8, "8 times faster"), peer_s=(0.0301,), ours_s=(60.0,))]).split(
        "\n"
    )
    assert head.split() == ["row", "ours", "peer", "ratio", "goal"]
    assert " ".join(line.split()) == "pack 60.0 s 30 ms 1.99e+03 <= 0.125 (8 times faster) MISSED"


def test_a_block_has_checks_parts_and_notes() -> None:
    text = block(replace(ROW, parts=(Share("userspace", 20.0, 25.0),), notes=("initrd: ours 3 MB",)))
    assert "200 by name and version" in text
    assert "userspace" in text
    assert "0.80" in text
    assert "initrd: ours 3 MB" in text


def test_rows_survive_json() -> None:
    data = json.loads(json.dumps(replace(ROW, parts=(Share("userspace", 1.0, 2.0),)).as_dict()))
    assert data["ratio"] == 0.5
    assert data["met"] is True
    assert data["goal"] == {"ratio": 0.6, "words": ""}
    assert data["ours"]["seconds"] == [3.0, 9.0, 2.0]
    assert data["checks"] == [{"what": "packages", "ok": True, "found": "200 by name and version"}]
    assert data["parts"][0]["peer_s"] == 2.0


def test_rows_as_a_frame_have_medians_and_keep_what_was_not_measured() -> None:
    good = BenchRow("a", "ours", "peer", (1.0, 3.0, 2.0), (4.0,), (Check("x", True, "same"),), Goal(0.7))
    shown = frame([good.as_dict(), failed_row("b", "ours", "peer", "no tool").as_dict()]).set_index("row")
    assert shown.loc["a", ["ours_s", "peer_s", "ratio", "goal"]].tolist() == [2.0, 4.0, 0.5, 0.7]
    assert shown["met"].tolist() == [True, None] and shown["same_work"].tolist() == [True, False]


def test_a_benchmark_that_does_not_exist_is_named_before_anything_runs(tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site, pytest.raises(DefinitionError, match="no benchmark pck"):
        bench(site, report=NullReport(), rows=["pck"])
