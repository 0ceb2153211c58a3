"""Roll-outs of nodes in memory: waves, budgets, the way back, and death at any event: nothing is sent twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fakenodes import NEW, OLD, WAYS, World, in_memory, plan_of, run_through
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.rollout.waves.budget import read_budget
from sbkernel.rollout.waves.progress import Progress


def ways(count: int, **odd: str) -> dict[str, str]:
    return {f"n{number}": odd.get(f"n{number}", "well") for number in range(1, count + 1)}


def words(found: Progress) -> dict[str, str]:
    return {node: one.word for node, one in found.nodes.items()}


def test_all_good(tmp_path: Path) -> None:
    world = World(ways(7))
    found = run_through(in_memory(tmp_path, plan_of([1, 2, 4])), world)
    assert (found.end, set(words(found).values()), found.is_good) == ("done", {"up"}, True)
    assert all(judged.good for judged in found.judged.values()) and len(found.judged) == 3
    assert set(world.sent.values()) == {1} and len(world.settled) == 7 and world.are_all


def test_a_second_run_of_what_is_over_does_nothing(tmp_path: Path) -> None:
    world, rollout = World(ways(3)), in_memory(tmp_path, plan_of([3]))
    run_through(rollout, world)
    before = rollout.events()
    run_through(rollout, world)
    assert rollout.events() == before and set(world.sent.values()) == {1}


def test_a_bad_wave_takes_all_back_and_the_others_are_not_touched(tmp_path: Path) -> None:
    world = World(ways(10, n3="bad", n4="dead"))
    found = run_through(in_memory(tmp_path, plan_of([2, 3, 5], budget="1")), world)
    assert found.end == "went back" and found.why.startswith("wave 2: 2 of 3 failed (1 may): n")
    assert [words(found)[f"n{number}"] for number in range(1, 11)] == ["back"] * 5 + ["waiting"] * 5
    assert {world.boots[node] for node in ("n1", "n2", "n3", "n5")} == {OLD}
    assert found.nodes["n3"].trouble == "its sha256 differs" and found.nodes["n4"].trouble == "no answer from BMC"
    assert world.booted["n1"][1] == OLD and not world.sent["n4", True] and "n6" not in world.boots


def test_failures_below_the_budget_are_listed_and_it_goes_on(tmp_path: Path) -> None:
    world = World(ways(8, n3="bad", n5="silent", n6="held", n7="unset"))
    found = run_through(in_memory(tmp_path, plan_of([1, 7], budget="50%")), world)
    assert found.end == "done" and not found.is_good and world.are_all is False
    assert found.counts() == {"held": 1, "up": 4, "failed": 3}
    assert found.nodes["n5"].why == "stuck at initrd" and found.nodes["n7"].why == "no MAC"
    assert found.judged[2].why == "3 of 6 failed (50% may): n3 its sha256 differs; n5 stuck at initrd; n7 no MAC"


def test_what_is_too_much_stops_before_the_rest_of_the_wave_is_sent(tmp_path: Path) -> None:
    world = World(ways(20, n1="dead", n2="dead"))
    found = run_through(in_memory(tmp_path, plan_of([20], budget="0")), world)
    assert found.end == "went back" and sum(world.sent.values()) < 10
    assert set(world.boots.values()) == {OLD}


@pytest.mark.parametrize("how", ["stay", "back"])
def test_somebody_cancels(tmp_path: Path, how: str) -> None:
    world = World(ways(12), looks_until_asked=3, then_ask=how)
    found = run_through(in_memory(tmp_path, plan_of([2, 10])), world)
    assert found.end == {"stay": "stopped", "back": "went back"}[how]
    if how == "back":
        assert set(world.boots.values()) == {OLD} and {one.word for one in found.nodes.values()} <= {"back", "waiting"}
    else:
        assert world.boots["n1"] == NEW and not any(back for _, back in world.sent)


def test_next_boots_are_waited_for_and_never_sent(tmp_path: Path) -> None:
    world = World(ways(5, n4="held"))
    found = run_through(in_memory(tmp_path, plan_of([1, 4], how="next")), world)
    assert found.counts() == {"held": 1, "up": 4} and not world.sent


def test_going_back_with_next_boots_only_what_is_down(tmp_path: Path) -> None:
    world = World(ways(5, n2="bad", n3="bad"))
    found = run_through(in_memory(tmp_path, plan_of([1, 4], how="next", budget="1")), world)
    assert found.end == "went back" and set(world.sent) == {("n2", True), ("n3", True)}
    assert found.nodes["n1"].why == "from its next boot on" and set(world.boots.values()) == {OLD}


def test_a_scheduler_drains_and_gets_back_what_is_up(tmp_path: Path) -> None:
    world = World(ways(6, n5="bad", n6="silent"))
    plan = plan_of([1, 5], how="scheduler", scheduler="x", budget="50%", wait_s=30.0)
    found = run_through(in_memory(tmp_path, plan), world)
    assert found.counts() == {"up": 4, "failed": 2} and set(world.drains.values()) == {1}
    assert found.nodes["n6"].why == "not drained within 30.0 s" and world.drained_now == {"n5"}


@pytest.mark.parametrize("how", ["boot", "next", "scheduler"])
@pytest.mark.parametrize("ask", ["back", "stay"])
def test_killed_before_or_after_each_event_it_can_be_ended(tmp_path: Path, ask: str, how: str) -> None:
    plan = plan_of([1, 2], how=how, scheduler="x")
    for dies_at in range(1, 13):
        for before in (True, False):
            world = World(ways(3))
            found = run_through(in_memory(tmp_path, plan), world, [(dies_at, before)], ask)
            if found.end == "done":
                continue  # it died with its last event
            assert found.end == {"back": "went back", "stay": "stopped"}[ask]
            assert ask == "stay" or set(world.boots.values()) <= {OLD}
            assert not {node for node, one in found.nodes.items() if one.word == "waiting"} & {*world.boots}
            assert world.drained_now <= {node for node, one in found.nodes.items() if one.word == "booting"}


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    drawn=st.lists(st.sampled_from(WAYS), min_size=12, max_size=12),
    budget=st.sampled_from(["0", "1", "30%", "100%"]),
    how=st.sampled_from(["boot", "next", "scheduler"]),
    deaths=st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4),
    ask=st.sampled_from(["", "", "back", "stay"]),
)
def test_killed_anywhere_it_ends_well_and_nothing_is_sent_twice(
    sizes: list[int], drawn: list[str], budget: str, how: str, deaths: list[tuple[int, bool]], ask: str
) -> None:
    """`ask` is what somebody asks for of the roll-out that was killed at last."""
    plan = plan_of(sizes, budget=budget, how=how, scheduler="x")
    world = World(dict(zip(plan.nodes, drawn, strict=False)))
    with tempfile.TemporaryDirectory() as place:
        found = run_through(in_memory(Path(place), plan), world, deaths, ask)
    assert found.end in ("done", "went back", *(["stopped"] if ask == "stay" else []))
    assert not world.sent or max(world.sent.values()) == 1
    untouched = [node for node, one in found.nodes.items() if one.word == "waiting"]
    assert not {*untouched} & {*world.boots}
    held = [node for node in plan.nodes if world.ways[node] == "held"]
    assert not {*held} & {*world.boots}
    if found.end == "done":
        for number in range(1, len(plan.waves) + 1):
            assert not read_budget(budget).exceeded(*found.failed(number))
        assert {one.word for one in found.nodes.values()} <= {"up", "failed", "held"}
    elif found.end == "went back":
        assert set(world.boots.values()) <= {OLD}
        assert {one.word for one in found.nodes.values()} <= {"back", "failed", "held", "waiting"}
        if how == "boot":
            assert all(image == OLD for _, image in world.booted.values())
    if how == "scheduler":
        # Somebody has to look at what has failed; what boots or waits to boot again is not known to be well.
        kept = {node for node, one in found.nodes.items() if one.trouble or one.word in ("booting", "set back")}
        assert world.drained_now <= kept
