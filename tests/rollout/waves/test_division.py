"""Dividing nodes into waves, failure budgets, and what a boot log says of a boot."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.rollout.waves.boots import seen
from sbkernel.rollout.waves.budget import read_budget
from sbkernel.rollout.waves.division import divide

NODES = [f"n{number}" for number in range(1, 201)]


class Racks:
    """Racks of 40 nodes; the last node stands in none."""

    def members(self, noderange: str) -> Collection[str]:
        if noderange == "odd":
            return NODES[::2]
        if noderange == "n[1-2],n5":
            raise AssertionError("a comma outside brackets divides waves")
        return {"n[1-3,5]": ["n1", "n2", "n3", "n5"], "elsewhere": ["x1"]}[noderange]

    def values(self, attribute: str) -> Mapping[str, str]:
        assert attribute == "rack"
        return {node: f"r{number // 40}" for number, node in enumerate(NODES[:-1])}


def sizes(text: str, count: int = 200) -> list[tuple[str, int]]:
    return [(wave.name, len(wave.nodes)) for wave in divide(NODES[:count], text, Racks())]


@pytest.mark.parametrize(
    ("text", "count", "found"),
    [
        ("1,10%,rest", 200, [("1", 1), ("10%", 20), ("rest", 179)]),
        ("1,10%,rest", 1, [("1", 1)]),
        ("1,10%,rest", 5, [("1", 1), ("10%", 1), ("rest", 3)]),
        ("7%,rest", 100, [("7%", 7), ("rest", 93)]),
        ("100%", 3, [("100%", 3)]),
        (" 2 , rest ", 3, [("2", 2), ("rest", 1)]),
        ("n[1-3,5],odd,rest", 10, [("n[1-3,5]", 4), ("odd", 2), ("rest", 4)]),
        ("elsewhere,rest", 3, [("rest", 3)]),
        ("1,by=rack,rest", 200, [("1", 1), ("rack=r0", 39), ("rack=r1", 40), ("rack=r2", 40), ("rack=r3", 40),
                                 ("rack=r4", 39), ("rest", 1)]),
    ],
)  # fmt: skip
def test_waves(text: str, count: int, found: list[tuple[str, int]]) -> None:
    assert sizes(text, count) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,10%", "179 of 200 nodes are in no wave, such as n22"), ("rest,1", "rest is the last wave"),
        ("", "names a wave that is empty"), ("1,,rest", "names a wave that is empty"), ("0,rest", "a wave of 0 has no"),
        ("0%,rest", "a wave of 0% has no node"), ("101%,rest", "no share"), ("-1%,rest", "no share"),
        ("by=rack", "1 of 200 nodes are in no wave, such as n200"),
    ],
)  # fmt: skip
def test_wrong_waves(text: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        sizes(text)


WORDS = st.one_of(
    st.integers(1, 250).map(str), st.integers(1, 1000).map(lambda tenths: f"{tenths / 10:g}%"),
    st.sampled_from(["odd", "n[1-3,5]", "by=rack"]),
)  # fmt: skip


@given(st.lists(WORDS, max_size=6), st.integers(1, 200))
def test_each_node_is_in_one_wave_in_its_order(words: list[str], count: int) -> None:
    nodes = NODES[:count]
    waves = divide(nodes, ",".join([*words, "rest"]), Racks())
    assert sorted(node for wave in waves for node in wave.nodes) == sorted(nodes)
    assert all(wave.nodes and [*wave.nodes] == sorted(wave.nodes, key=nodes.index) for wave in waves)
    for wave in waves:
        if wave.name.endswith("%"):
            assert len(wave.nodes) <= math.ceil(Fraction(wave.name[:-1]) * count / 100)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 1000))
def test_budgets(failed: int, more: int, tenths: int) -> None:
    tried = failed + more
    assert read_budget(str(tenths)).exceeded(failed, tried) == (failed > tenths)
    share = read_budget(f"{tenths / 10:g}%")
    assert not share.exceeded(0, tried)
    if share.exceeded(failed, tried):
        assert share.exceeded(failed + 1, tried)


@pytest.mark.parametrize("text", ["", "5 nodes", "-1", "200%", "5.5", "٣", "9" * 30])
def test_wrong_budgets(text: str) -> None:
    with pytest.raises(DefinitionError):
        read_budget(text)


def boot(begin: float, *stages: str, image: str = "new", **last: object) -> list[dict[str, object]]:
    made = [{"t": begin + number, "stage": stage, "image": image} for number, stage in enumerate(stages)]
    made[-1].update(last)
    return made


OLD_BOOT = boot(10, "power-on", "kernel", "initrd", "mounted", "userspace", image="old")


@pytest.mark.parametrize(
    ("events", "word", "why"),
    [
        ([], "", ""),
        (OLD_BOOT, "", ""),
        ([*OLD_BOOT, *boot(100, "power-on")], "begun", ""),
        ([*OLD_BOOT, *boot(100, "power-on", "initrd", "userspace")], "up", ""),
        ([*OLD_BOOT, *boot(100, "dhcp", "initrd", "userspace")], "up", ""),
        ([*OLD_BOOT, *boot(50, "power-on", "initrd", "userspace")], "up", ""),
        (boot(100, "power-on", "initrd", "userspace", image="old"), "failed", "it runs old instead"),
        (boot(100, "power-on", "initrd", "failed", reason="no space"), "failed", "no space"),
        (boot(100, "power-on", "initrd", "failed"), "failed", "the node gave no reason"),
        (boot(100, "power-on", "initrd", "userspace", "postscripts"), "begun", ""),
        (boot(100, "power-on", "initrd", "userspace", "postscripts", "booted"), "up", ""),
        (boot(100, "power-on", "initrd", "userspace", "postscripts", "booted", failed="mine (1)"), "failed",
         "booted failed: mine (1)"),
    ],
)  # fmt: skip
def test_what_is_seen_of_a_boot(events: list[dict[str, object]], word: str, why: str) -> None:
    found = seen(events, 99.0, "new")
    assert (found.word, found.why) == (word, why)
