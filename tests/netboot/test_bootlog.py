"""The boot log and the timeline made from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.netboot import bootlog
from sbkernel.netboot.timeline import stages_frame, timeline
from sbkernel.site import Site

BOOT = [
    {"t": 100.0, "stage": "power-on"},
    {"t": 105.5, "stage": "ipxe"},
    {"t": 107.0, "stage": "kernel"},
    {"t": 115.0, "stage": "initrd", "uptime": 6.0, "at": "2.5", "nic": "eth0"},
    {"t": 120.0, "stage": "fetched", "uptime": 11.0, "at": "10.8", "bytes": 5},
    {"t": 119.9, "stage": "verified", "uptime": 10.9, "sha256": "0123456789abcdef"},
    {"t": 160.0, "stage": "userspace", "uptime": 50.0, "at": "40.0"},
]


def test_what_was_appended_is_read_back_since_power_on(site: Site) -> None:
    bootlog.append(site, "n1", "power-on", t=1.0)
    bootlog.append(site, "n1", "login", t=2.0)
    bootlog.append(site, "n1", "power-on", t=3.0, action="boot")
    bootlog.append(site, "n1", "ipxe")
    assert [event["stage"] for event in bootlog.read(site, "n1")] == ["power-on", "ipxe"]
    assert bootlog.read(site, "n1")[0] == {"t": 3.0, "node": "n1", "stage": "power-on", "action": "boot"}
    assert len(bootlog.read(site, "n1", since_power_on=False)) == 4
    assert bootlog.read(site, "n2") == []


def test_a_torn_line_is_left_out(site: Site) -> None:
    bootlog.append(site, "n1", "power-on", t=1.0)
    with bootlog.path(site, "n1").open("a") as log:
        log.write('{"t":2.0,"sta\n[]\n')
    bootlog.append(site, "n1", "ipxe", t=3.0)
    assert [event["t"] for event in bootlog.read(site, "n1")] == [1.0, 3.0]


@pytest.mark.parametrize("name", ["../n1", "", "a/b", ".n1", "n\n1"])
def test_a_name_that_would_lead_elsewhere_is_refused(site: Site, name: str) -> None:
    with pytest.raises(DefinitionError):
        bootlog.append(site, name, "ipxe")


def test_the_nodes_own_clock_places_what_it_reports() -> None:
    rows = {row.stage: row for row in timeline(BOOT)}
    assert list(rows) == ["power-on", "ipxe", "kernel", "initrd", "fetched", "verified", "userspace"]
    assert [row.seconds for row in rows.values()] == pytest.approx([0, 5.5, 9.0, 11.5, 19.8, 19.9, 49.0])
    assert rows["ipxe"].delta == pytest.approx(5.5)
    assert rows["initrd"].detail == "nic eth0"
    assert rows["verified"].detail == "sha256 0123456789ab…"


def test_stages_seen_twice_count_once() -> None:
    twice = [{"t": 1.0, "stage": "ipxe"}, {"t": 9.0, "stage": "ipxe"}, {"t": 10.0, "stage": "failed", "reason": "x"}]
    assert [(row.stage, row.time) for row in timeline(twice)] == [("ipxe", 1.0), ("failed", 10.0)]


def test_the_frame_has_a_row_a_stage_and_is_never_without_columns() -> None:
    assert list(stages_frame(BOOT)["stage"]) == [row.stage for row in timeline(BOOT)]
    assert list(stages_frame([]).columns) == ["stage", "time", "seconds", "delta", "detail"]


EVENTS = st.lists(
    st.fixed_dictionaries(
        {"t": st.floats(0, 1e9), "stage": st.sampled_from(bootlog.STAGES)},
        optional={"uptime": st.floats(0, 1e5), "at": st.floats(0, 1e5).map(str)},
    )
)


@given(EVENTS)
def test_a_timeline_never_runs_backwards(events: list[bootlog.BootEvent]) -> None:
    rows = timeline(events)
    assert all(row.delta >= 0 and row.seconds >= 0 for row in rows)
    assert len({row.stage for row in rows}) == len(rows)


def test_memory_is_shown_as_people_say_it() -> None:
    up = {"t": 160.0, "stage": "userspace", "uptime": 50.0, "memory_used": 123456789, "bytes": 7}
    assert timeline([up])[0].detail == "memory_used 123.5 MB, bytes 7"
    assert timeline([{**up, "memory_used": "much"}])[0].detail == "memory_used much, bytes 7"
