"""Budgets of test boots: what they say, what a history makes of them; and the checks that reports of a node give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.validate import check_values
from sbkernel.errors import DefinitionError
from sbkernel.rollout.testboot.budgets import DEFAULT, Limit, judged, parse
from sbkernel.rollout.testboot.checks import Check, Measured, measured, of_boot, of_units, table

HERE, THERE = "head1, kvm, 1024 MB", "head1, qemu, 1024 MB"
NUMBERS = st.integers(0, 9999)
WORDS = st.one_of(
    st.just("none"), NUMBERS.map(lambda n: f"+{n}%"), NUMBERS.map(lambda n: f"{n}k"), NUMBERS.map(lambda n: f"{n}s")
)


def took(time: float | None, fetched: float = 1e6, memory: float = 2e8, where: str = HERE) -> Measured:
    return Measured(time, fetched, memory, where)


def test_later_budgets_take_the_place_of_earlier_ones() -> None:
    assert parse()["bytes"] == Limit(percent=25)
    assert parse("time=5min", " time=90s , memory=none")["time"] == Limit(most=90)
    assert parse("memory=400M")["memory"] == Limit(most=400e6)
    assert parse("memory=400M", "memory=none")["memory"] == Limit()


@pytest.mark.parametrize("wrong", ["tiem=3s", "time", "time=", "time=-3s", "time=+x%", "bytes=3 apples", "bytes=%"])
def test_what_is_no_budget_is_told_with_one_that_is(wrong: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(wrong)
    assert (caught.value.hint and "time=" in caught.value.hint) or "bytes=" in str(caught.value.hint)


@given(st.dictionaries(st.sampled_from(["time", "bytes", "memory"]), WORDS, min_size=1))
def test_any_budget_is_read_or_refused_and_nothing_else(words: dict[str, str]) -> None:
    text = ",".join(f"{what}={word}" for what, word in words.items())
    try:
        found = parse(text)
    except DefinitionError:
        units = {"time": "s", "bytes": "k", "memory": "k"}
        assert any(word[-1] not in ("e", "%", units[what]) for what, word in words.items())
    else:
        assert set(found) == {"time", "bytes", "memory"}
        for one in judged(found, took(1.0), [took(1.0)]):
            assert one.said


def test_the_attribute_takes_what_the_budget_is() -> None:
    values = {"imagetype": "linux", "testbootbudget": DEFAULT}
    check_values("osimage", "x", values, values)


def test_the_first_version_has_no_history_and_says_so() -> None:
    checks = judged(parse(), took(50.0), [])
    assert [one.ok for one in checks] == [True] * 3
    assert checks[0].said == "50.0 s, no history yet"
    assert judged(parse(), took(50.0), [took(1.0, where=THERE)])[0].said == "50.0 s, no history yet", "of another place"


def test_a_share_counts_from_the_median_of_the_last_good_versions() -> None:
    history = [took(float(time)) for time in (40, 42, 400, 41, 39, 1, 1, 1)]
    limits = parse("time=+50%,bytes=none,memory=none")
    good, bad = judged(limits, took(61.0), history)[0], judged(limits, took(62.0), history)[0]
    assert good.ok and good.said == "1 min 1 s, +49 % to the median of 5 (41.0 s); at most +50 %"
    assert not bad.ok
    assert judged(limits, took(20.0), history)[0].said.startswith("20.0 s, -51 % to")


def test_limits_hold_without_a_history_and_what_nobody_reported_breaks_them() -> None:
    checks = {one.name: one for one in judged(parse("time=60s,bytes=1M,memory=none"), took(None, 1e6 + 1), [])}
    assert not checks["time"].ok and checks["time"].said == "nobody reported it"
    assert not checks["bytes"].ok and checks["bytes"].said == "1.0 MB, at most 1.0 MB"
    assert checks["memory"].ok
    assert judged(parse(), took(None), [took(1.0)])[0].ok, "a share of what nobody knows"


def event(t: float, stage: str, **data: object) -> dict[str, object]:
    return {"t": t, "node": "x", "stage": stage, **data}


BOOT = [
    event(0, "power-on"), event(9, "initrd", uptime=2.0), event(12, "fetched", uptime=5.0, bytes=1000),
    event(40, "login"), event(44, "userspace", uptime=37.0, at=33.0, image="a" * 64, memory_used=5000),
]  # fmt: skip


def test_a_good_boot_is_measured() -> None:
    assert [one.ok for one in of_boot(BOOT, "a" * 64)] == [True, True]
    assert measured(BOOT, 30, HERE) == Measured(40.0, 1030, 5000, HERE)
    assert measured(BOOT[:2], 30, HERE) == Measured(None, None, None, HERE)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "no userspace and no login in time; last: nothing was heard of it"),
        (BOOT[:3], "no userspace and no login in time; last: fetched"),
        (BOOT[:4], "no userspace in time; last: login"),
        ([*BOOT, event(50, "failed", reason="postscript own: exit status 3")], "it failed: postscript own"),
    ],
)
def test_a_boot_that_does_not_come_to_its_end_says_how_far_it_got(events: list[dict[str, object]], said: str) -> None:
    boot = of_boot(events, "a" * 64)[0]
    assert not boot.ok and boot.said.startswith(said)


def test_a_node_that_reports_another_version_or_none_is_told() -> None:
    assert of_boot(BOOT, "b" * 64)[1] == Check("version", False, "it reports aaaaaaaa, and bbbbbbbb was to boot")
    assert of_boot(BOOT[:4], "b" * 64)[1].said == "it reported none, and bbbbbbbb was to boot"


def test_failed_units_are_named_and_no_systemd_is_no_fault() -> None:
    degraded = of_units(["state degraded", "failed own.service", "failed other.mount", "virt qemu"])
    assert [one.ok for one in degraded] == [True, False] and degraded[1].said == "failed: own.service other.mount"
    assert [one.ok for one in of_units(["state none"])] == [True, True]
    assert [one.ok for one in of_units(["state starting"])] == [False, True]
    assert not of_units([])[0].ok
    text = table([*degraded, Check("own.sh", False, "exit status 3", ("what it wrote",))])
    assert text.splitlines()[1:] == [
        "units    FAILED  failed: own.service other.mount", "own.sh   FAILED  exit status 3", "    what it wrote",
    ]  # fmt: skip
