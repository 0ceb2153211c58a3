"""What synclists mean, as values: where copies go, what is merged, and that no path leads out of a tree."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.sync.decide import Decision, decide, filled_in
from sbkernel.images.sync.merge import MalformedError, appended, merged
from sbkernel.images.sync.paths import InTheWayError, followed
from sbkernel.images.sync.sources import DIRECTORY, FILE, OTHER, Source, braced
from sbkernel.lists import synclist


def source(path: str, kind: str = FILE, *below: Source, mode: int = 0o644, digest: str = "d") -> Source:
    return Source(path, kind, mode, "root", 0, "root", 0, 1, 5000, digest if kind == FILE else "", below)


TREE = source("/f/d", DIRECTORY, source("/f/d/one"), source("/f/d/two", DIRECTORY, source("/f/d/two/three")))


def decided(text: str, **found: tuple[Source, ...]) -> Decision:
    known = {f"/f/{name}": sources for name, sources in found.items()} | {"/f/d": (TREE,), "/f/d/": (TREE,)}
    items = [filled_in(item, {"V": "val"}, "img") for item in synclist.parse(text).items]
    return decide(items, {word: known.get(word, (source(word),)) for item in items for word in item.sources})


@pytest.mark.parametrize(
    ("line", "to", "name"),
    [
        ("/f/a -> /b/c", "/b/c", "a"),
        ("/f/a -> /b/", "/b/a", ""),
        ("/f/a -> /b/a", "/b/a", ""),
        ("/f/$V -> /b/${V}", "/b/val", ""),
        ("/f/a -> /", "/a", ""),
        ("/f/d -> /b", "/b/d", ""),
        ("/f/d -> /x/d", "/x/d", ""),
        ("/f/d/ -> /x/y", "/x/y", ""),
        ("/f/d/ -> /", "/", ""),
    ],
)
def test_a_source_goes_where_rsync_puts_it_on_a_node(line: str, to: str, name: str) -> None:
    first, *below = decided(line).layings
    assert (first.to, first.name) == (to, name)
    if first.source is TREE:
        base = "" if to == "/" else to
        assert [one.to for one in below] == [f"{base}/one", f"{base}/two", f"{base}/two/three"]


def test_several_sources_make_the_destination_a_directory() -> None:
    assert [one.to for one in decided("/f/a /f/b -> /x").layings] == ["/x/a", "/x/b"]
    many = decided("/f/many -> /x", many=(source("/f/1"), source("/f/2")))
    assert [one.to for one in many.layings] == ["/x/1", "/x/2"]


def test_copies_come_first_then_merges_then_what_is_appended_then_scripts() -> None:
    text = "EXECUTEALWAYS:\n/f/s\nAPPEND:\n/f/a -> /etc/a\nMERGE:\n/f/m -> /etc/group\nEXECUTE:\n/f/c.post\n"
    done = decided("/f/c -> /c\n/f/s -> /s\n" + text)
    assert [one.how for one in done.layings] == ["file", "file", "merge", "append"]
    assert [(one.source.path, one.after) for one in done.scripts] == [("/f/c.post", "/f/c"), ("/f/s", "")]
    assert [(one.clause, one.sources) for one in done.boot] == [("EXECUTEALWAYS", ("/f/s",))]


def test_what_is_no_file_is_left_out_and_said() -> None:
    done = decided("/f/pipe /f/a -> /x/", pipe=(source("/f/pipe", OTHER),))
    assert [one.source.path for one in done.layings] == ["/f/a"]
    assert done.warnings == ("synclist:1: /f/pipe is no file: left out",)


def test_secrets_are_counted_for_each_line() -> None:
    keys = source("/f/keys", DIRECTORY, source("/f/keys/1", mode=0o600), source("/f/keys/2", mode=0o640))
    (note,) = decided("/f/keys -> /etc/", keys=(keys,)).warnings
    assert note.startswith("synclist:1: /f/keys/1 and 1 more are closed to others on this host")


def test_all_that_the_outcome_depends_on_is_among_the_inputs() -> None:
    text = "/f/a -> /x\nEXECUTE:\n/f/a.post\n"
    before = decided(text).inputs
    assert decided(text, a=(source("/f/a", mode=0o600),)).inputs != before
    assert decided(text, a=(source("/f/a", digest="e"),)).inputs != before
    assert decided(text.replace("/x", "/y")).inputs != before
    assert decided(text).inputs == before


WORDS = st.from_regex(r"[a-z]{1,3}", fullmatch=True)


@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, min_size=1, max_size=3))
def test_braces_are_what_a_shell_makes_of_them(one: list[str], two: list[str]) -> None:
    pattern = f"/{{{','.join([*one, ''])}}}/x{{{','.join([*two, ''])}}}"
    assert braced(pattern) == [f"/{a}/x{b}" for a in [*one, ""] for b in [*two, ""]]
    assert braced("/{one}/{") == ["/{one}/{"]


LINES = st.lists(st.tuples(st.sampled_from("abc+-"), st.integers(0, 99)), max_size=6).map(
    lambda rows: "".join(f"{name}:x:{number}:\n" for name, number in rows).encode()
)


@given(LINES, LINES)
def test_merging_twice_is_merging_once_and_no_name_of_the_source_is_there_twice(target: bytes, added: bytes) -> None:
    once = merged(target, added, "/etc/group")
    assert merged(once, added, "/etc/group") == once
    names = [line.partition(b":")[0] for line in once.splitlines()]
    assert all(names.count(line.partition(b":")[0]) == 1 for line in added.splitlines())
    assert set(names) == {line.partition(b":")[0] for line in (target + added).splitlines()}


def test_a_malformed_line_is_told_by_number_and_not_shown() -> None:
    with pytest.raises(MalformedError, match=r"^line 2 has 2 fields, not the 9 of /etc/shadow$"):
        merged(b"", b"+::::::\nalice:secret\n", "/etc/shadow")


def test_a_file_without_an_end_of_line_gets_one_before_more_is_appended() -> None:
    assert appended(b"a", b"b") == b"a\nb" and appended(b"", b"b") == b"b" and appended(b"a\n", b"b\n") == b"a\nb\n"


PARTS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=5)
LINKS = st.dictionaries(st.sampled_from(["a", "b", "c", "a/b", "b/c"]), st.tuples(st.booleans(), PARTS), max_size=4)


@given(LINKS, PARTS, st.booleans())
def test_no_path_leads_out_of_a_tree(tmp_path_factory, links, parts, last) -> None:  # type: ignore[no-untyped-def]
    root = tmp_path_factory.mktemp("root") / "tree"
    root.mkdir()
    for name, (absolute, target) in links.items():
        place = root / name
        if place.parent.is_dir() and not os.path.lexists(place):
            place.symlink_to("/" * absolute + "/".join(target))
        (root / "b").mkdir(exist_ok=True) if not os.path.lexists(root / "b") else None
    try:
        found = followed(root, "/".join(parts), last=last)
    except InTheWayError:
        return
    assert found.is_relative_to(root)
    assert Path(os.path.realpath(found.parent)) == found.parent, "no link is left among its directories"
    assert not last or not found.is_symlink()
