"""Noderange against examples of the manual and against set arithmetic."""

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.ranges.noderange import expand, names, noderange
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.site import Site


class World:
    """A small site."""

    def __init__(self, nodes: list[str], groups: dict[str, list[str]], files: dict[str, str]) -> None:
        self.nodes, self.group, self.files = nodes, groups, files

    def existing(self, names: Collection[str]) -> set[str]:
        return set(names) & set(self.nodes)

    def groups(self, names: Collection[str]) -> set[str]:
        return set(names) & set(self.group)

    def members(self, group: str) -> list[str]:
        return self.group[group]

    def all_nodes(self) -> list[str]:
        return self.nodes

    def where(self, selection: str) -> list[str] | None:
        return {"mgt==ipmi": ["n1", "n2"], "nodetype.os=~^(deb|ubu)": ["n2", "n3"]}.get(selection)

    def read(self, path: str) -> str:
        return self.files[path]


WORLD = World(
    [*(f"n{i}" for i in range(1, 11)), *(f"n0{i}" for i in range(1, 4)), "gpu-1", "gpu-2", "gpu-3",
     "r1n1", "r1n2", "node5", "node6"],
    {
        "compute": ["n1", "n2", "n3"], "odd": ["n1", "n3", "n5"], "empty": [], "gpu": ["gpu-1", "gpu-2"],
        "rack1": ["n1"], "rack2": ["n2", "n3"], "rh4.12": ["n4"],
    },
    {
        "/f": "#comment n9\n^/other #ignored\nn1 # first\n n2:x\n\ncompute,-n3\n/gpu.*\n-gpu-2\n",
        "/loop": "n1\nn2,^/loop\n",
        "/bad": "n1\nn(\n",
        "/missing": "n1\nzz\n",
    },
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
        ("n[1:3]", "n1 n2 n3"),
        ("n[1+2]", "n1 n2 n3"),
        ("rack1-rack2", "n1 n2 n3"),
        ("rack[1-2],-n3", "n1 n2"),
        ("rh4.12", "n4"),
        ("compute,-@rack2", "n1"),
        ("@gpu", "gpu-1 gpu-2"),
        ("compute@odd@rack2", "n3"),
        ("n9,compute@odd", "n1 n3 n9"),
        ("((compute))@(n1,(n2,-n2))", "n1"),
        ("mgt==ipmi", "n1 n2"),
        ("compute,-mgt==ipmi", "n3"),
        ("nodetype.os=~^(deb|ubu)@mgt==ipmi", "n2"),
        ("nodetyp.os==x", ""),
        ("compute@nodetyp.os==x", ""),
        ("^/f", "gpu-1 gpu-3 n1 n2"),
        ("n9,^/f@compute", "n1 n2 n9"),
        ("compute,-^/f", "n3"),
        ("/n[(]?1", "n1"),
        ("/n\\(?1", "n1"),
        ("/n0[1,2]", "n01 n02"),
        ("/n\\d{2,3}@/.*1", "n01"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert " ".join(noderange(text, WORLD)) == expected


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("x", "x"),
        ("n1,x,y", "x,y"),
        ("n[1-12]", "n11,n12"),
        ("q1-q3", "q1,q2,q3"),
        ("[5-6]", "[5-6]"),
        ("n[1],q", "q"),
        ("7-8", "node7,node8"),
        ("n1,-zz", "zz"),
        ("-zz", "zz"),
        ("a-1-3", "a-1-3"),
        ("^/missing", "zz"),
        ("z[001-200]", ",".join(f"z{i:03d}" for i in range(1, 101)) + " and 100 more"),
    ],
)
def test_unknown_names_are_all_named(text: str, unknown: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        noderange(text, WORLD)
    assert str(caught.value) == f"Invalid nodes and/or groups in noderange: {unknown}"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("n1,(n2,n3", "'(' is not closed", "n1,(n2,n3\n     ^"),
        ("n1)", "')' without '('", "n1)\n    ^"),
        ("n1,n[1-3", "'[' is not closed", "n1,n[1-3\n      ^"),
        ("n1,n[a b]", "'a b' is not a number or range in 'n[a b]'", "n1,n[a b]\n     ^"),
        ("n1, n3-n1", "'n3-n1' counts down", "n1, n3-n1\n      ^"),
        ("n1@", "a name is missing", "n1@\n     ^"),
        ("n1,-", "a name is missing", "n1,-\n      ^"),
        ("compute@-n1", "'-' takes away only at the beginning and after a comma", "compute@-n1\n          ^"),
        ("(n1)n2", "',' or '@' is missing", "(n1)n2\n      ^"),
        ("n1,/x**", "'x**' is not a regular expression: multiple repeat at position 2", "n1,/x**\n     ^"),
        ("/n{99999999999}", "'n{99999999999}' is not a regular expression: the repetition number is too large", None),
        ("compute,-foo.bar==1", "no table has the column of 'foo.bar==1'", "compute,-foo.bar==1\n           ^"),
        ("n[1-9999999]", "'n[1-9999999]' spells more than 1000000 names", None),
        ("a[1-999]b[1-999]c[1-999]", "'a[1-999]b[1-999]c[1-999]' spells more than 1000000 names", None),
        ("a[1-600000],b[1-600000]", "all ranges together spell more than 1000000 names", None),
        (f"n1+{'9' * 5000}", f"'n1+{'9' * 5000}' has a number that is too long", None),
        ("(" * 60, "more than 50 nested parentheses", None),
        ("n1,^/loop", "/loop reads itself", "n2,^/loop\n     ^"),
        ("x" * 90 + ",n1)", "')' without '('", "x" * 32 + ",n1)\n  " + " " * 35 + "^"),
        ("n1\x1b[31m,)", "'[' is not closed", "n1?[31m,)\n     ^"),
    ],
)
def test_a_slip_is_pointed_at(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(DefinitionError) as caught:
        noderange(text, WORLD)
    assert message in caught.value.message
    assert hint is None or caught.value.hint == hint


def test_a_slip_in_a_file_names_its_line() -> None:
    with pytest.raises(DefinitionError) as caught:
        noderange("n1,^/bad", WORLD)
    assert str(caught.value) == "/bad:2: noderange: '(' is not closed\n  n(\n   ^"


def test_prefix_and_suffix_of_bare_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert expand("08+3,5-6") == ["node08", "node09", "node10", "node11", "node5", "node6"]
    monkeypatch.setenv("XCAT_NODE_PREFIX", "cn")
    monkeypatch.setenv("XCAT_NODE_SUFFIX", "-ib")
    assert expand("5,6-7,8+1") == ["cn5-ib", "cn6-ib", "cn7-ib", "cn8-ib", "cn9-ib"]


def test_names_takes_away_and_resolves_groups_but_makes_new_names() -> None:
    assert names("n[1-3],x1,-n2", WORLD) == ["n1", "n3", "x1"]
    assert names("rack2,gpu-3", WORLD) == ["n2", "n3", "gpu-3"]


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


def test_excludenodes_of_the_site_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text("n3\n")
    with Site.open(tmp_path / "site") as site:
        for name in ("n1", "n2", "n3"):
            site.set("node", name, groups="all", mgt="ipmi" if name == "n1" else "kvm")
        site.set("site", "clustersite", excludenodes="n2,gone")
        assert site.noderange("all") == ["n1", "n3"]
        assert site.noderange("all", excluded=True) == ["n1", "n2", "n3"]
        assert site.noderange(f"mgt=kvm,^{tmp_path}/nodes") == ["n3"]
        assert site.noderange("nodelist.node=~[13],-nodehm.mgt!=ipmi") == ["n1"]
        assert site.noderange("nodehm.mgtt==x") == []
        site.set("site", "clustersite", excludenodes="n2)")
        with pytest.raises(DefinitionError, match="excludenodes of the site: noderange"):
            site.noderange("n1")
        with pytest.raises(DefinitionError, match="noderange: nodes cannot be read: No such file"):
            site.noderange("^nodes")
        with pytest.raises(DefinitionError, match="/none cannot be read: No such file"):
            site.noderange("^/none")
