"""Events add up to a state and a progress, whatever the chunks they are read in."""

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.jobs.events import Event, Summary, parse_events

EVENTS = [
    Event(1.0, "state", {"state": "running", "pid": 7}),
    Event(2.0, "phase-start", {"title": "install", "total": None}),
    Event(2.5, "phase-start", {"title": "unpäck\n", "total": 4}),
    Event(3.0, "progress", {"done": 2, "total": None, "text": "bash"}),
    Event(4.0, "phase-end", {"title": "unpäck\n", "seconds": 1.5, "ok": True}),
    Event(5.0, "result", {"data": {"packages": 2}}),
    Event(6.0, "a kind of tomorrow", {}),
    Event(7.0, "state", {"state": "failed", "error": "no", "hint": None}),
]
TEXT = b"".join(event.line() for event in EVENTS)


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=6))
def test_reading_in_pieces_is_reading_at_once(cuts: list[int]) -> None:
    read: list[Event] = []
    offset = 0
    for end in [*sorted(cuts), len(TEXT)]:
        events, used = parse_events(TEXT[offset:end])
        read += events
        offset += used
    assert read == EVENTS


def test_events_add_up() -> None:
    summary = Summary()
    for event in EVENTS[:4]:
        summary.apply(event)
    assert summary.state == "running" and summary.progress.phase == "unpäck\n"
    assert (summary.progress.done, summary.progress.total, summary.progress.fraction) == (2, 4, 0.5)
    for event in EVENTS[4:]:
        summary.apply(event)
    assert summary.progress.phase == "install" and summary.progress.done == 0
    assert summary.progress.phases == (("install", None), ("unpäck\n", 1.5))
    assert (summary.state, summary.error, summary.ended) == ("failed", "no", 7.0)
    assert summary.result == {"packages": 2}


def test_a_line_cut_short_by_a_full_disk_is_passed_over() -> None:
    events, used = parse_events(EVENTS[0].line() + b'{"t": 1, "ki\n' + EVENTS[1].line())
    assert events == EVENTS[:2] and used > 0


def test_a_file_name_that_is_no_utf8_survives() -> None:
    event = Event(1.0, "progress", {"done": 1, "total": None, "text": "caf\udce9.deb"})
    assert parse_events(event.line())[0] == [event]
