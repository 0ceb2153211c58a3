"""A plan is a value: printed, compared, and its digests change exactly when inputs change."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.plan import Draft, make_plan

DRAFTS = [
    Draft("packages", "install 2 packages", 1, {"names": ["a", "b"]}, "bookworm amd64"),
    Draft("configure", "configure", 1, ["fstab"], "fstab: default"),
    Draft("initrd", "build the initrd", 1, ["e1000"], "1 driver"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

GOLDEN = """\
6bd4427e5dd8  cached  install 2 packages  bookworm amd64
6ca2700fe907  run     configure           fstab: default
0897c674de70  run     build the initrd    1 driver"""


def test_golden() -> None:
    plan = make_plan("x", DRAFTS)
    assert plan.render({"packages": plan["packages"].digest}) == GOLDEN


@given(st.lists(JSON, min_size=3, max_size=3), st.integers(0, 2), JSON)
def test_a_changed_input_changes_its_step_and_all_after_it(data: list[object], which: int, other: object) -> None:
    drafts = [replace(draft, data=value) for draft, value in zip(DRAFTS, data, strict=True)]
    changed = [replace(draft, data=other) if n == which else draft for n, draft in enumerate(drafts)]
    before, after = make_plan("x", drafts), make_plan("x", changed)
    same = json.dumps(data[which], sort_keys=True) == json.dumps(other, sort_keys=True)
    assert [step.name for step in after.to_run(before.digests)] == ([] if same else [d.name for d in DRAFTS[which:]])


@given(st.permutations(["a", "b", "c"]))
def test_the_order_of_keys_does_not_matter(keys: list[str]) -> None:
    drafts = [replace(DRAFTS[0], data=dict.fromkeys(order)) for order in (keys, sorted(keys))]
    assert make_plan("x", drafts[:1]) == make_plan("x", drafts[1:])


def test_titles_are_not_inputs_but_versions_are() -> None:
    plan = make_plan("x", DRAFTS)
    assert make_plan("x", [replace(draft, title="other", inputs="other") for draft in DRAFTS]).digests == plan.digests
    assert make_plan("x", [replace(DRAFTS[0], version=2), *DRAFTS[1:]]).to_run(plan.digests) != ()


def test_a_plan_goes_on_after_a_digest() -> None:
    whole = make_plan("x", DRAFTS)
    assert make_plan("x", DRAFTS[1:], after=whole["packages"].digest).steps == whole.steps[1:]
