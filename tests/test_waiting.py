"""The helper that all tests wait with: it must not wait for ever, nor hide what it saw."""

import pytest
from waiting import until, until_async


def test_the_first_true_value_is_returned() -> None:
    values = iter([0, "", None, "here", "later"])
    assert until(lambda: next(values), every_s=0) == "here"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout_s": 0}, "not within 0 s; seen: False"),
        ({"timeout_s": 0, "seen": lambda: "the log"}, "not within 0 s; seen:\nthe log"),
        ({"unless": lambda: True}, "it cannot come any more; seen: False"),
    ],
)
async def test_a_failure_says_what_was_seen(options: dict[str, object], says: str) -> None:
    with pytest.raises(AssertionError) as failed:
        until(lambda: False, **options)  # type: ignore[arg-type]
    assert str(failed.value) == says
    with pytest.raises(AssertionError) as failed:
        await until_async(lambda: False, **options)  # type: ignore[arg-type]
    assert str(failed.value) == says


def test_what_came_just_before_the_end_counts() -> None:
    ended: list[bool] = []
    assert until(lambda: bool(ended), unless=lambda: ended.append(True) or True)
