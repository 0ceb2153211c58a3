"""Noderange against examples of the manual and against set arithmetic."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.noderange import expand, noderange
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError


class World:
    """A small site."""

    def __init__(self, nodes: list[str], groups: dict[str, list[str]]) -> None:
        self.nodes, self.groups = nodes, groups

    def existing(self, names: Sequence[str]) -> set[str]:
        return set(names) & set(self.nodes)

    def members(self, group: str) -> list[str] | None:
        return self.groups.get(group)

    def all_nodes(self) -> list[str]:
        return self.nodes


WORLD = World(
    [*(f"n{i}" for i in range(1, 11)), *(f"n0{i}" for i in range(1, 4)), "gpu-1", "gpu-2", "gpu-3",
     "r1n1", "r1n2", "node5", "node6"],
    {"compute": ["n1", "n2", "n3"], "odd": ["n1", "n3", "n5"], "empty": [], "gpu": ["gpu-1", "gpu-2"]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n1", "n1"),
        ("n2,n1,n2", "n1 n2"),
        ("compute", "n1 n2 n3"),
        ("n1-n3", "n1 n2 n3"),
        ("n1:n3", "n1 n2 n3"),
        ("n01-n03", "n01 n02 n03"),
        ("n[1-3,5]", "n1 n2 n3 n5"),
        ("n[01-02]", "n01 n02"),
        ("r[1]n[1-2]", "r1n1 r1n2"),
        ("r1n1-r1n2", "r1n1 r1n2"),
        ("n1+2", "n1 n2 n3"),
        ("n9+1", "n10 n9"),
        ("gpu-1", "gpu-1"),
        ("gpu-1-gpu-3", "gpu-1 gpu-2 gpu-3"),
        ("gpu", "gpu-1 gpu-2"),
        ("compute,-n2", "n1 n3"),
        ("-n2,compute", "n1 n3"),
        ("compute,-odd", "n2"),
        ("compute@odd", "n1 n3"),
        ("(compute,n5)@odd,n9", "n1 n3 n5 n9"),
        ("compute,-(odd@n1)", "n2 n3"),
        ("/n[12]", "n1 n2"),
        ("/r1n(1|2)", "r1n1 r1n2"),
        ("/n\\d{2},-n10", "n01 n02 n03"),
        ("5", "node5"),
        ("5-6", "node5 node6"),
        ("5+1", "node5 node6"),
        ("empty", ""),
        (" n1 , n2 ", "n1 n2"),
        ("n1,", "n1"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert " ".join(noderange(text, WORLD)) == expected


@pytest.mark.parametrize(
    ("text", "names"), [("x", "x"), ("n1,x,y", "x,y"), ("n[1-12]", "n11,n12"), ("q1-q3", "q1-q3"), ("n1,-zz", "zz")]
)
def test_unknown_names_are_all_named(text: str, names: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        noderange(text, WORLD)
    assert str(caught.value) == f"Invalid nodes and/or groups in noderange: {names}"


@pytest.mark.parametrize(
    "text", ["(n1", "n[1-3", "n1)", "n[a b]", "/(", "n3-n1", "n[1-9999999]", "@n1,-", "n1+99999999"]
)
def test_bad_syntax_is_an_error(text: str) -> None:
    with pytest.raises(DefinitionError):
        noderange(text, WORLD)


def test_expand_spells_names_that_need_not_exist() -> None:
    assert expand("x[08-10],y1-y2,z") == ["x08", "x09", "x10", "y1", "y2", "z"]


SETS = st.sets(st.sampled_from(WORLD.nodes), min_size=1, max_size=6)


@given(SETS, SETS, SETS)
def test_operators_are_set_arithmetic(a: set[str], b: set[str], c: set[str]) -> None:
    def text(names: set[str]) -> str:
        return ",".join(sorted(names))

    assert set(noderange(f"{text(a)},{text(b)}", WORLD)) == a | b
    assert set(noderange(f"({text(a)})@({text(b)})", WORLD)) == a & b
    assert set(noderange(f"{text(a)},-({text(b)})", WORLD)) == a - b
    assert set(noderange(f"({text(a)},-({text(b)}))@({text(c)})", WORLD)) == (a - b) & c


@given(st.integers(0, 200), st.integers(0, 60), st.integers(1, 5))
def test_every_way_to_write_a_range_spells_the_same(first: int, more: int, width: int) -> None:
    low, high = f"{first:0{width}d}", f"{first + more:0{width}d}"
    names = [f"n{number:0{width}d}" for number in range(first, first + more + 1)]
    assert expand(f"n[{low}-{high}]") == names
    assert expand(f"n{low}+{more}") == names
    assert expand(f"n{low}-n{high}") == names
    assert expand(f"n{low}:n{high}") == names


@given(st.text(alphabet="n0123456789[],-+:@()/x ", max_size=14))
def test_any_text_gives_nodes_or_an_error(text: str) -> None:
    try:
        nodes = noderange(text, WORLD)
    except SbkernelError:
        return
    assert nodes == sorted(set(nodes) & set(WORLD.nodes))
