"""Times of both sides, taken in turn; processor time counts the children too."""

import sys

from sbkernel.bench.clock import Phases, Spells, Spent, interleaved, timed
from sbkernel.jobs.run import run

BUSY = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]


def test_sides_take_turns() -> None:
    calls: list[str] = []
    spells = interleaved(lambda: calls.append("ours"), lambda: calls.append("peer"), 3)
    assert calls == ["ours", "peer"] * 3
    assert len(spells.ours_s) == len(spells.peer_s) == 3


def test_the_processor_time_of_children_counts_also_when_they_are_isolated() -> None:
    assert timed(lambda: run(BUSY)).cpu_s >= 0.25  # read in ticks of 10 ms
    assert timed(lambda: run(BUSY, isolated=True)).cpu_s >= 0.25  # read in ticks of 10 ms


def test_the_note_gives_both_times_and_their_ratio() -> None:
    note = Spells((Spent(9.0, 2.0), Spent(1.0, 2.0)), (Spent(9.0, 4.0),)).note
    assert note == "processor time: ours 2.0 s, the peer's 4.0 s, ratio 0.50"


def test_phases_are_added_up_by_title() -> None:
    phases = Phases()
    for title in ("install", "configure", "install"):
        with phases.phase(title):
            pass
    assert list(phases.seconds) == ["install", "configure"]
    assert phases.note.startswith("ours by phase: install 0.0 s, configure")
