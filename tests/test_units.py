"""Sizes and durations, said and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.units import age, read_duration, read_size, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 30 * 86400), ("12h", 43200), ("2w", 14 * 86400), ("5 min", 300), ("5m", 300), ("0d", 0), ("1.5h", 5400),
     (" 7s ", 7)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1 month", "1d2h", "٣d", "1e3d", "nan d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(DefinitionError, match="is no duration"):
        read_duration(text)


@given(st.floats(0, 1e9))
def test_an_age_says_about_as_much_as_it_was_given(seconds: float) -> None:
    number, unit = age(seconds).split()
    said = int(number) * {"days": 86400, "hours": 3600, "min": 60, "s": 1}[unit]
    assert abs(said - seconds) <= max(0.5, seconds / 4 + 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("20G", 20_000_000_000),
        ("1.5 TB", 1_500_000_000_000),
        ("500m", 500_000_000),
        ("7", 7),
        ("0", 0),
        (" 2 kB ", 2000),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert read_size(text) == count


@pytest.mark.parametrize("text", ["", "G", "-1G", "1e3", "20 Gib", "1,5G", "٣G", "1.G", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(DefinitionError, match="is no size"):
        read_size(text)


@given(st.integers(0, 10**14))
def test_a_size_that_was_said_is_read_as_about_the_same(count: int) -> None:
    assert abs(read_size(size(count)) - count) <= max(0.5, count * 0.05)
