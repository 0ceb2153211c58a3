"""The words of the attribute `simulated`, and who gets which trouble."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.attributes import attributes_of
from sbkernel.errors import DefinitionError
from sbkernel.nodes.practice.host import faults
from sbkernel.nodes.practice.traits import STUCK, Traits, chosen, read

TRAITS = st.builds(
    Traits,
    dead=st.booleans(), slow=st.booleans(), checksum=st.booleans(), panic=st.booleans(), whole=st.booleans(),
    loss=st.sampled_from([0.0, 0.01, 0.005, 1.0]), stuck=st.sampled_from(["", *STUCK]),
    speed=st.sampled_from([1.0, 0.5, 20.0]), seed=st.integers(-5, 10**9),
)  # fmt: skip


@given(TRAITS)
def test_what_is_written_is_read_and_may_be_stored(traits: Traits) -> None:
    assert read(str(traits)) == traits
    assert re.fullmatch(attributes_of("node")["simulated"].pattern, str(traits))


@pytest.mark.parametrize("text", ["dad", "loss=2", "loss=101%", "loss=x", "stuck=moon", "speed=0", "dead=1", "seed="])
def test_other_words_are_refused(text: str) -> None:
    if text == "loss=2":
        assert read(text).loss == 0.02
        return
    with pytest.raises(DefinitionError, match="no node is simulated with"):
        read(text)


@given(st.integers(1, 300), st.integers(0, 99))
def test_the_shares_are_exact_apart_and_repeatable(count: int, seed: int) -> None:
    names = [f"s{number}" for number in range(count)]
    shares = {"dead": 0.05, "slow": 0.1, "fetched": 0.2}
    found = chosen(names, shares, Traits(seed=seed, loss=0.01))
    assert found == chosen(names, shares, Traits(seed=seed, loss=0.01))
    assert list(found) == names
    kinds = Counter("dead" if t.dead else "slow" if t.slow else t.stuck or "ok" for t in found.values())
    assert {kind: kinds[kind] for kind in shares} == {kind: round(share * count) for kind, share in shares.items()}
    assert {traits.loss for traits in found.values()} == {0.01}


def test_more_than_all_is_refused() -> None:
    with pytest.raises(DefinitionError, match="more nodes have a trouble than there are"):
        chosen(["s1"], {"dead": 0.6, "slow": 0.5}, Traits())


def test_the_faults_of_a_bmc_are_repeatable() -> None:
    ways = Traits(slow=True, loss=0.5, seed=3)
    one, other = faults("s1", ways), faults("s1", ways)
    assert [one.swallows() for _ in range(50)] == [other.swallows() for _ in range(50)]
    assert one.delay_s == other.delay_s > faults("s1", Traits(seed=3)).delay_s
