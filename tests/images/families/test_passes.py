"""What the lists ask, pass by pass, and what goes with what is removed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError, DefinitionError, ListFileError
from sbkernel.images.families.local_index import LocalIndex
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.passes import AskedFor, asked_for, removed_with
from sbkernel.images.families.places import Place, other_places, places
from sbkernel.jobs.report import NullReport
from sbkernel.lists import otherpkglist, pkglist

NAMES = st.sampled_from(["a", "b", "c", "site/a", "site/deep/d"])
LINES = st.lists(
    st.one_of(NAMES, NAMES.map("-{}".format), NAMES.map("--{}".format), st.just("#NEW_INSTALL_LIST#")), max_size=8
)


def asked(text: str, other: str, *, as_in_xcat: bool = True) -> AskedFor:
    return asked_for(Request({}, pkglist.parse(text), otherpkglist.parse(other)), as_in_xcat=as_in_xcat)


def packages(found: AskedFor) -> list[tuple[str, ...]]:
    return [one.packages for one in found.passes]


def test_what_a_pass_removes_before_it_concerns_the_passes_before_it() -> None:
    found = asked("a\nb\n", "-a\nsite/a\n#NEW_INSTALL_LIST#\n-b\nc\n")
    assert packages(found) == [("a",), ("c",)]
    assert found.left_out == ("b",)
    assert found.places == (("a", "site"),)


def test_what_a_pass_removes_after_it_stays_if_a_later_one_asks_for_it() -> None:
    assert asked("", "a\n--a\n").removed == ("a",)
    assert asked("", "a\n--a\n#NEW_INSTALL_LIST#\na\n").removed == ()
    assert asked("a\n", "--a\n").removed == ("a",)


def test_environments_belong_to_their_passes() -> None:
    found = asked("#ENV:A=1#\na\n", "#ENV:B=2 A=3#\nb\n#NEW_INSTALL_LIST#\nc\n")
    assert [one.env for one in found.passes] == [(("A", "1"),), (("A", "3"), ("B", "2")), ()]


@pytest.mark.parametrize(("as_in_xcat", "names", "left_out"), [(True, ("a", "bc"), ()), (False, ("a",), ("b*",))])
def test_removals_of_the_pkglist(as_in_xcat: bool, names: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    found = asked("a\nbc\n--b*\n", "", as_in_xcat=as_in_xcat)
    assert (found.names, found.left_out, found.removed) == (names, left_out, ())


@given(LINES, LINES)
def test_nothing_is_both_asked_for_and_left_out(first: list[str], second: list[str]) -> None:
    found = asked("\n".join(first), "\n".join(second))
    assert not set(found.left_out).intersection(found.names)
    assert all("/" not in name for name in (*found.left_out, *found.removed))
    assert all(one.packages for one in found.passes)
    assert {name for name, _ in found.places} <= {"a", "d"}


GRAPHS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), max_size=3), max_size=6
)


@given(GRAPHS, st.lists(st.sampled_from(["a", "b", "[cd]", "x*"]), max_size=3))
def test_what_remains_still_has_what_it_had(graph: dict[str, list[frozenset[str]]], removed: list[str]) -> None:
    graph = {name: [group & graph.keys() for group in groups] for name, groups in graph.items()}
    gone = set(removed_with(removed, graph, (), ()))
    for name, groups in graph.items():
        lost = any(group and group <= gone for group in groups)
        assert name in gone or not lost
    for name in gone:
        assert name in "abcd" or any(group and group <= gone for group in graph[name])


def test_the_base_and_what_the_lists_ask_for_do_not_go() -> None:
    needs = {"base": [], "lib": [frozenset({"base"})], "tool": [frozenset({"lib"})], "free": []}
    assert removed_with(["lib"], needs, ["free"], ["base"]) == ["lib", "tool"]
    assert removed_with(["lib", "tool"], needs, ["tool", "lib"], ["base"]) == ["lib", "tool"]
    with pytest.raises(BuildError, match="to remove base would remove base of the base system"):
        removed_with(["base"], needs, [], ["base"])
    with pytest.raises(BuildError, match="to remove lib would remove tool that the lists ask for"):
        removed_with(["lib"], needs, ["tool"], [])


def test_places_and_their_options(tmp_path: Path) -> None:
    key = tmp_path / "key.asc"
    key.touch()
    text = f" /a b gpgcheck=0 ,http://u:p@m x gpgkey={key} gpgkey=file://{key},,/c gpgcheck=1"
    assert list(places(text, "pkgdir")) == [
        Place("/a b", (), False), Place("http://u:p@m x", (key, key), None), Place("/c", (), True),
    ]  # fmt: skip
    with pytest.raises(DefinitionError, match="gpgcheck=yes is neither 0 nor 1") as caught:
        list(places("/a gpgcheck=yes", "otherpkgdir"))
    assert caught.value.hint == "correct otherpkgdir"


def test_directories_of_the_list_below_several_places(tmp_path: Path) -> None:
    for name in ("one/site", "two/site", "two/more/deep"):
        (tmp_path / name).mkdir(parents=True)
    tops = [Place(str(tmp_path / "one")), Place("http://m"), Place(str(tmp_path / "two"))]
    listed = otherpkglist.parse("site/a\nmore/deep/b\nbare\n@group\n")
    found = [(one.name, str(one.directory.relative_to(tmp_path))) for one in other_places(tops, listed)]
    assert found == [("site", "one/site"), ("site", "two/site"), ("more/deep", "two/more/deep"), (".", "one"),
                     (".", "two")]  # fmt: skip
    with pytest.raises(ListFileError, match=r"otherpkglist:1: no directory site in otherpkgdir, which names addresses"):
        other_places([Place("http://m")], listed)


def test_an_index_that_could_not_be_written_is_written_the_next_time(tmp_path: Path) -> None:
    directory, written = tmp_path / "debs", []
    directory.mkdir()

    def write(_: Path, place: Path) -> None:
        written.append(place)
        if len(written) == 2:
            raise BuildError("no space")

    index = LocalIndex.below(tmp_path / "cache", directory, ".deb", write)
    assert not index.refresh(NullReport())
    (directory / "a.txt").touch()
    index.refresh(NullReport())
    assert len(written) == 1
    (directory / "sub").mkdir()
    (directory / "sub/a.deb").touch()
    with pytest.raises(BuildError, match="no space"):
        index.refresh(NullReport())
    index.refresh(NullReport())
    index.refresh(NullReport())
    assert len(written) == 3
    never = LocalIndex.below(tmp_path / "cache", tmp_path / "none", ".deb", write)
    with pytest.raises(BuildError, match=r"no directory .*none"):
        never.refresh(NullReport())
