"""Folding of names: what is written is read back as the same names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.ranges.noderange import expand


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", ""),
        ("n1", "n1"),
        ("n3 n1 n2", "n[1-3]"),
        ("n1 n3 n10", "n[1,3,10]"),
        ("n08 n09 n10 n11", "n[08-11]"),
        ("n9 n10", "n[9-10]"),
        ("n1 n01 n2 n02", "n[1-2,01-02]"),
        ("n1 n2 gpu-1 login", "gpu-1,login,n[1-2]"),
        ("r1n1 r1n2 r2n1 r2n2", "r[1-2]n[1-2]"),
        ("r1n1 r1n2 r2n1", "r1n[1-2],r2n1"),
        ("n1-ib n2-ib", "n[1-2]-ib"),
        ("5 6", "5,6"),
        ("1a 2a", "1a,2a"),
        ("n1-n3", "n1-n[3]"),
        ("10.0.0.1 10.0.0.2", "10.0.0.[1-2]"),
        ("n10 n2 n1a", "n1a,n[2,10]"),
    ],
)
def test_examples(names: str, text: str) -> None:
    assert fold(names.split()) == text


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,9}", fullmatch=True).filter(lambda name: not name.isdigit())
SERIES = st.builds(
    lambda head, number, tail: f"{head}{number}{tail}",
    st.sampled_from(["n", "r1n", "a-", "0x"]),
    st.from_regex(r"[0-9]{1,4}", fullmatch=True),
    st.sampled_from(["", "-ib", "b2"]),
)


@given(st.sets(NAMES | SERIES, max_size=40))
def test_expand_reads_back_what_fold_wrote(names: set[str]) -> None:
    spelt = expand(fold(names))
    assert set(spelt) == names
    assert len(spelt) == len(names)
