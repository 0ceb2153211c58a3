"""When schedules run: what people write, and what cron and systemd make of it."""

import re
import shlex
import subprocess
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.records.schedules.when import When

NOON = datetime.fromisoformat("2026-11-29 12:00")  # a Sunday; times of the host's clock have no zone


@pytest.mark.parametrize(
    ("kind", "text", "cron", "after_noon"),
    [
        ("daily", "02:00", "0 2 * * *", "2026-11-30 02:00"),
        ("daily", "2:05", "5 2 * * *", "2026-11-30 02:05"),
        ("weekly", "sun 02:00", "0 2 * * 0", "2026-12-06 02:00"),
        ("weekly", "Sunday 13:30", "30 13 * * 0", "2026-11-29 13:30"),
        ("hourly", "", "0 * * * *", "2026-11-29 13:00"),
        ("every", "6h", "0 */6 * * *", "2026-11-29 18:00"),
        ("every", "15m", "*/15 * * * *", "2026-11-29 12:15"),
        ("every", "1m", "* * * * *", "2026-11-29 12:01"),
        ("every", "60m", "0 * * * *", "2026-11-29 13:00"),
        ("every", "1d", "0 0 * * *", "2026-11-30 00:00"),
        ("cron", "30 2 * * mon-fri", "30 2 * * 1-5", "2026-11-30 02:30"),
        ("cron", "0 0 29 feb *", "0 0 29 2 *", "2028-02-29 00:00"),
        ("cron", "0 0 * * fri-sun", "0 0 * * 5-7", "2026-12-04 00:00"),
        ("cron", "@monthly", "0 0 1 * *", "2026-12-01 00:00"),
        # Both fields of days are given: either will do. One begins with a star: both are needed (crontab(5)).
        ("cron", "0 0 3 * wed", "0 0 3 * 3", "2026-12-02 00:00"),
        ("cron", "0 0 */2 * wed", "0 0 */2 * 3", "2026-12-09 00:00"),
    ],
)
def test_what_is_written_becomes_fields_of_cron(kind: str, text: str, cron: str, after_noon: str) -> None:
    when = When(kind, text)
    assert when.cron == cron
    assert when.next_after(NOON) == datetime.fromisoformat(after_noon)
    assert When(kind, text) == when and str(when) == f"{kind} {text}".strip()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("daily", "24:00"), ("daily", "2"), ("daily", ""), ("daily", "02:00\n* * * * * evil"),
        ("daily", "\u0660\u0662:\u0660\u0660"),
        ("weekly", "02:00"), ("weekly", "sundown 02:00"), ("weekly", "sun"), ("hourly", "5"), ("every", "7h"),
        ("every", "90m"), ("every", "0m"), ("every", "30s"), ("every", "2d"), ("every", "6"), ("cron", "0 2 * *"),
        ("cron", "60 * * * *"), ("cron", "* 24 * * *"), ("cron", "* * 0 * *"), ("cron", "* * * 13 *"),
        ("cron", "* * * * 8"), ("cron", "1/5 * * * *"), ("cron", "*/0 * * * *"), ("cron", "5-1 * * * *"),
        ("cron", "a * * * *"), ("cron", ", * * * *"), ("cron", "@reboot"), ("cron", "0 0 31 2 *"), ("nightly", "x"),
        ("cron", "² * * * *"),
    ],
)  # fmt: skip
def test_what_means_no_time_is_refused_with_an_example(kind: str, text: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        When(kind, text)
    assert refused.value.hint or kind == "nightly"


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    spans = st.tuples(one, one).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    parts = st.one_of(one.map(str), spans, steps)
    return st.one_of(st.just("*"), st.lists(parts, min_size=1, max_size=3).map(",".join))


EXPRESSIONS = st.tuples(numbers(0, 59), numbers(0, 23), numbers(1, 28), numbers(1, 12), numbers(0, 7)).map(" ".join)
MOMENTS = st.integers(0, 5 * 366 * 1440).map(lambda minutes: NOON + timedelta(minutes=minutes))


def next_of_systemd(calendar: str, moment: datetime) -> datetime:
    words = ["systemd-analyze", "calendar", f"--base-time={moment:%Y-%m-%d %H:%M:%S} UTC", f"{calendar} UTC"]
    said = subprocess.run(words, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
    found = re.search(r"Next elapse: \w+ (\S+ \S+) UTC", said.stdout)
    assert found, (shlex.join(words), said.stdout)
    return datetime.fromisoformat(found[1])


@settings(max_examples=60)
@given(EXPRESSIONS, MOMENTS)
def test_systemd_finds_the_same_next_time(expression: str, moment: datetime) -> None:
    when = When("cron", expression)
    assert when.next_after(moment) == min(next_of_systemd(calendar, moment) for calendar in when.calendars)


@given(EXPRESSIONS, MOMENTS)
def test_what_cron_gets_means_the_same_again(expression: str, moment: datetime) -> None:
    when = When("cron", expression)
    again = When("cron", when.cron)
    assert again.cron == when.cron and again.fields == when.fields
    assert (when.next_after(moment) or moment) > moment


@given(st.text(alphabet="0123456789*/,-@ abcdefghijklmnopqrstuvwxyz\n%;#", max_size=30))
def test_no_text_raises_another_error(text: str) -> None:
    try:
        assert re.fullmatch(r"[0-9*/,-]+( [0-9*/,-]+){4}", When("cron", text).cron)
    except DefinitionError as error:
        assert error.message


def test_the_minute_that_is_now_has_passed() -> None:
    assert When("every", "1m").next_after(NOON) == NOON + timedelta(minutes=1)
