"""Sizes and durations, said and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.units import age, read_duration


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
