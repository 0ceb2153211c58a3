"""Every reader of people's text takes any bytes: it reads them or raises SbkernelError."""

import random
from collections.abc import Iterator

import pytest
from fuzzing import SEEDS, TARGETS, fuzzed_site, mutated, text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbkernel.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with fuzzed_site() as site:
        yield site


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=200))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes(site: Site, target: str, data: bytes) -> None:
    TARGETS[target](site, text_of(data))


@pytest.mark.parametrize("target", TARGETS)
def test_text_that_is_nearly_right(site: Site, target: str) -> None:
    rng = random.Random(1)
    for _ in range(15 if target == "csv" else 300):
        TARGETS[target](site, text_of(mutated(rng, SEEDS[target])))
