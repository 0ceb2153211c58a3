"""A plan is a value: printed, compared, and its digests change exactly when inputs change."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.plan import Plan, Step, differences, plan_from_json

STEPS = (
    Step("packages", "install packages", {"names": ["a", "b"]}, "layer", "packages", summary="2 packages"),
    Step("tree", "copy the layer", None, "tree", "root", on=("packages",)),
    Step("configure", "configure", ["fstab"], "tree", "root", on=("tree",), summary="fstab: default"),
    Step("initrd", "build the initrd", ["e1000"], "file", "initrd", on=("configure",), summary="1 driver"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

GOLDEN = """\
08dec1cfec00  cached  install packages  2 packages
7d7f953d5b8b  run     copy the layer
b293ed0420fb  run     configure         fstab: default
e522524d0fa6  run     build the initrd  1 driver"""


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps]


def with_inputs(data: list[object]) -> Plan:
    return Plan("x", tuple(replace(step, inputs=value) for step, value in zip(STEPS, data, strict=True)))


def test_golden() -> None:
    plan = Plan("x", STEPS)
    assert plan.render(plan.pending(lambda step: step.name == "packages")) == GOLDEN


@given(st.lists(JSON, min_size=4, max_size=4), st.integers(0, 3), JSON)
def test_a_changed_input_changes_its_step_and_all_that_stand_on_it(
    data: list[object], which: int, other: object
) -> None:
    before, after = with_inputs(data), with_inputs([other if n == which else value for n, value in enumerate(data)])
    same = json.dumps(data[which], sort_keys=True) == json.dumps(other, sort_keys=True)
    changed = [name for name in before.digests if before.digests[name] != after.digests[name]]
    assert changed == ([] if same else [step.name for step in STEPS[which:]])
    assert (before == after) is (before.digest == after.digest) is same


@given(st.lists(JSON, min_size=4, max_size=4), st.integers(0, 3), JSON)
def test_differences_name_exactly_the_steps_whose_inputs_differ(data: list[object], which: int, other: object) -> None:
    before, after = with_inputs(data), with_inputs([other if n == which else value for n, value in enumerate(data)])
    found = differences(before, after)
    assert bool(found) is (before != after)
    assert all(line.startswith(f"{STEPS[which].name}: inputs") for line in found)


def test_differences_name_the_input_and_both_values() -> None:
    before = replace(STEPS[0], inputs={"packages": {"vim=1": "aa", "gone=1": "x"}, "release": "bookworm"})
    after = replace(STEPS[0], inputs={"packages": {"vim=1": "bb", "tmux=3": "cc"}, "release": "bookworm"}, version=2)
    assert differences(Plan("x", (before, STEPS[1])), Plan("x", (after,))) == [
        "tree: no such step any more",
        "packages: version: 1 -> 2",
        "packages: inputs: packages: gone=1 is gone (x)",
        "packages: inputs: packages: tmux=3 is new (cc)",
        "packages: inputs: packages: vim=1: aa -> bb",
    ]


@given(st.lists(JSON, min_size=4, max_size=4))
def test_a_plan_survives_a_file_but_does_not_run_from_there(data: list[object]) -> None:
    plan = with_inputs(data)
    again = plan_from_json(plan.to_json())
    assert (again, again.digest, differences(plan, again)) == (plan, plan.digest, [])
    with pytest.raises(BuildError, match="can be compared, not run"):
        again["tree"].run(None)  # type: ignore[arg-type]


@given(st.permutations(["a", "b", "c"]))
def test_the_order_of_keys_does_not_matter(keys: list[str]) -> None:
    one, other = (Plan("x", (replace(STEPS[0], inputs=dict.fromkeys(order)),)) for order in (keys, sorted(keys)))
    assert one == other


def test_titles_are_not_inputs_but_versions_are() -> None:
    plan = Plan("x", STEPS)
    assert Plan("x", tuple(replace(step, title="other", summary="other") for step in STEPS)) == plan
    assert Plan("x", (replace(STEPS[0], version=2), *STEPS[1:])) != plan


def test_a_plan_goes_on_after_what_is_given() -> None:
    whole = Plan("x", STEPS)
    rest = Plan("x", STEPS[3:], {"configure": whole.digests["configure"]})
    assert rest.digests == {"initrd": whole.digests["initrd"]}


def test_only_what_is_missing_and_what_it_needs_is_pending() -> None:
    plan = Plan("x", STEPS)
    assert names(plan.pending(lambda _: True)) == []
    assert names(plan.pending(lambda _: False)) == ["packages", "tree", "configure", "initrd"]
    # The layer is gone, but the finished tree is there: nobody needs the layer.
    assert names(plan.pending(lambda step: step.name in {"configure", "initrd"})) == []
    assert names(plan.pending(lambda step: step.name in {"packages", "initrd"})) == ["tree", "configure"]
    assert names(plan.pending(lambda step: step.name == "configure")) == ["initrd"]


def test_a_step_that_reads_what_nothing_tells_is_always_run_and_so_is_what_stands_on_it() -> None:
    scripts = Step("postinstall", "run scripts", None, "tree", "root", on=("configure",), always=True)
    plan = Plan("x", (*STEPS[:3], scripts, replace(STEPS[3], on=("postinstall",))))
    assert names(plan.pending(lambda step: step.name != "tree" and step.name != "configure")) == [
        "tree", "configure", "postinstall", "initrd",
    ]  # fmt: skip
    assert "its inputs are not declared" in str(plan)
