"""How pointers move: packing, promoting, going back, in any order."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.catalog.pointers import PROMOTE, PUBLISH, ROLLBACK, Move, Pointers, Source

STEPS = st.lists(
    st.tuples(st.sampled_from([PUBLISH, PROMOTE, ROLLBACK, "gated"]), st.sampled_from("abcd")), max_size=25
)


def move(digest: str, t: float = 0.0, action: str = "", source: Source | None = None) -> Move:
    inputs = source or Source(f"inputs {digest}", f"tree {digest}")
    return Move(digest, t, "me", "here", action, inputs.inputs, inputs.tree)


def after(steps: list[tuple[str, str]]) -> list[Pointers]:
    """Return the pointers after each step; a version is promoted or rolled back to only when it was packed."""
    states = [Pointers("img")]
    for t, (action, digest) in enumerate(steps):
        last = states[-1]
        packed = {one.digest for one in last.history}
        if action in (PUBLISH, "gated"):
            states.append(last.published(move(digest, t, PUBLISH), gated=action == "gated"))
        elif digest in packed:
            change = Pointers.promoted if action == PROMOTE else Pointers.rolled_back
            states.append(change(last, move(digest, t, action)))
    return states


@given(STEPS)
def test_only_promotions_move_what_a_rollback_holds(steps: list[tuple[str, str]]) -> None:
    states = after(steps)
    for before, now in pairwise(states):
        happened = now.history[len(before.history) :]
        if before.hold and before.current != now.current:
            assert [one.action for one in happened] in ([PROMOTE], [ROLLBACK])
        if happened and happened[0].action == PUBLISH:
            assert now.hold == before.hold
        if happened and happened[0].action == ROLLBACK:
            assert now.hold is not None and now.current == happened[0].digest
        if happened and happened[0].action == PROMOTE:
            assert now.hold is None and now.current == happened[0].digest


@given(STEPS)
def test_packing_what_is_the_candidate_decides_nothing(steps: list[tuple[str, str]]) -> None:
    last = after(steps)[-1]
    if last.candidate:
        assert last.published(move(last.candidate, 99.0, PUBLISH), gated=False) == last
        other = last.published(move(last.candidate, 99.0, PUBLISH, Source("new", "new")), gated=False)
        assert (other.current, other.candidate, other.hold) == (last.current, last.candidate, last.hold)
        assert other.packed_from(Source("new", "new")) == last.candidate


@given(STEPS)
def test_pointers_read_back_and_point_at_what_was_packed(steps: list[tuple[str, str]]) -> None:
    for pointers in after(steps):
        assert Pointers.from_json(pointers.as_json()) == pointers
        packed = {one.digest for one in pointers.history if one.action == PUBLISH} | {""}
        assert {pointers.current, pointers.candidate, pointers.previous} <= packed
        assert pointers.previous != pointers.current or not pointers.current


def test_without_a_gate_a_pack_moves_both_and_with_one_only_the_candidate() -> None:
    both = Pointers("img").published(move("a", 1.0, PUBLISH), gated=False)
    assert (both.current, both.candidate, both.previous) == ("a", "a", "")
    gated = both.published(move("b", 2.0, PUBLISH), gated=True)
    assert (gated.current, gated.candidate) == ("a", "b")
    assert gated.promoted(move("b", 3.0, PROMOTE)).current == "b"
    assert gated.promoted(move("a", 3.0, PROMOTE)) == gated, "nothing to promote"


def test_going_back_goes_back_as_often_as_there_was_something() -> None:
    [*_, c] = after([(PUBLISH, "a"), (PUBLISH, "b"), (PUBLISH, "c")])
    b = c.rolled_back(move("b", 10.0, ROLLBACK))
    a = b.rolled_back(move("a", 11.0, ROLLBACK))
    assert [c.previous, b.previous, a.previous] == ["b", "a", ""]
    again = a.promoted(move("c", 12.0, PROMOTE))
    assert (again.current, again.previous, again.hold) == ("c", "a", None)
    there = again.promoted(move("a", 13.0, PROMOTE))
    assert there.previous == "c"
    assert there.rolled_back(move("c", 14.0, ROLLBACK)).previous == "a"


def test_going_back_to_what_is_current_holds_it() -> None:
    [*_, both] = after([(PUBLISH, "a"), (PUBLISH, "b")])
    held = both.rolled_back(move("b", 10.0, ROLLBACK))
    assert (held.current, held.previous, held.hold is not None) == ("b", "a", True)
    assert held.rolled_back(move("b", 11.0, ROLLBACK)) == held
    assert held.published(move("c", 12.0, PUBLISH), gated=False).current == "b"
    assert held.promoted(move("b", 13.0, PROMOTE)).hold is None


@given(STEPS, st.frozensets(st.sampled_from("abcd")))
def test_a_rollback_never_goes_to_what_is_gone_or_current(steps: list[tuple[str, str]], gone: frozenset[str]) -> None:
    last = replace(after(steps)[-1], gone=gone)
    assert last.previous not in gone and (last.previous != last.current or not last.current)
    if last.previous:
        back = last.rolled_back(move(last.previous, 99.0, ROLLBACK))
        assert back.current == last.previous and back.hold is not None


def test_when_a_pointer_last_left_a_version() -> None:
    [*_, last] = after([(PUBLISH, "a"), (PUBLISH, "b"), (ROLLBACK, "a"), (PUBLISH, "c"), (PROMOTE, "c")])
    assert [last.until(digest) for digest in "abcd"] == [4.0, 3.0, 0.0, 0.0]


def test_pointer_files_of_before_say_less() -> None:
    def entry(digest: str, t: float, action: str) -> dict[str, object]:
        return {"digest": digest, "t": t, "by": "me", "host": "here", "action": action}

    old = {"image": "img", "digest": "c", "history": [entry("a", 1, PUBLISH), entry("b", 2, PUBLISH),
                                                      entry("a", 3, ROLLBACK)]}  # fmt: skip
    pointers = Pointers.from_json(old)
    assert (pointers.current, pointers.candidate, pointers.hold is not None) == ("a", "b", True)
    old["history"].append(entry("c", 4, PUBLISH))  # type: ignore[attr-defined]
    pointers = Pointers.from_json(old)
    assert (pointers.current, pointers.candidate, pointers.hold) == ("c", "c", None), "as it was then"
    assert Pointers.from_json(pointers.as_json()) == pointers
    assert pointers.of("c") == ["current", "candidate"]
