"""Discs as they are read: every name and byte of an image, and nothing of one that is damaged or hostile."""

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from discs import make_iso, write
from hypothesis import given, settings
from hypothesis import strategies as st
from smallbuild import Recorder

from sbkernel.errors import BuildError
from sbkernel.images.media.copying import copy
from sbkernel.images.media.directory import open_directory
from sbkernel.images.media.iso import open_iso
from sbkernel.images.media.medium import check_names, leads_out


@dataclass
class Imagined:
    """A medium that is nowhere, on which anything can be."""

    contents: Mapping[str, bytes]
    links: Mapping[str, str] = field(default_factory=dict)
    source: Path = Path("/imagined.iso")

    @property
    def files(self) -> Mapping[str, int]:
        return {path: len(content) for path, content in self.contents.items()}

    def chunks(self, path: str) -> Iterator[bytes]:
        yield self.contents[path]


# 60 bytes: Rock Ridge has 255 for a name, Linux, too; a letter may take four.
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..") and not name.startswith("-")
)


@settings(max_examples=12)
@given(st.dictionaries(NAMES, st.binary(max_size=5000), min_size=1, max_size=8))
def test_every_name_and_byte_of_an_image_comes_back(contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "tree")
        for name, content in contents.items():
            (tree / "below").mkdir(parents=True, exist_ok=True)
            (tree / "below" / name).write_bytes(content)
        (tree / "to it").symlink_to("below/" + next(iter(contents)))
        medium = open_iso(make_iso(tree, Path(place, "disc.iso")))
        assert {path: b"".join(medium.chunks(path)) for path in medium.files} == {
            f"below/{name}": content for name, content in contents.items()
        }
        assert medium.links == {"to it": "below/" + next(iter(contents))}
        there = open_directory(tree)
        assert (there.files, there.links) == (medium.files, medium.links)


def test_an_image_that_ends_early_is_truncated_wherever_it_ends(tmp_path: Path) -> None:
    whole = make_iso(
        write(tmp_path / "tree", {"a/one": "x" * 100_000, "b/two": "y"}), tmp_path / "whole.iso"
    ).read_bytes()
    for end in (40_000, 55_000, 90_000):
        image = tmp_path / f"{end}.iso"
        image.write_bytes(whole[:end])
        with pytest.raises(BuildError, match=rf"{end}.iso is truncated: it has {end} bytes of \d+"):
            open_iso(image)


def test_an_image_that_shrinks_while_it_is_read_is_truncated(tmp_path: Path) -> None:
    image = make_iso(write(tmp_path / "tree", {"file": "x" * 100_000}), tmp_path / "disc.iso")
    medium = open_iso(image)
    os.truncate(image, 100_000)
    with pytest.raises(BuildError, match="truncated"):
        list(medium.chunks("file"))


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>" * 5000, b"\0" * 32768 + b"\1CD001" + b"\0" * 2000], ids=len
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BuildError, match="is no ISO 9660 image"):
        open_iso(tmp_path / "file")


@pytest.mark.parametrize("hostile", [b"..", b"../../../tmp/owned", b"a/../../b"])
def test_a_name_that_leads_out_of_a_disc_is_refused_or_harmless(tmp_path: Path, hostile: bytes) -> None:
    placeholder = b"Q" * len(hostile)
    tree = write(tmp_path / "tree", {"sub/other": "x", f"sub/{placeholder.decode()}": "x"})
    image = make_iso(tree, tmp_path / "disc.iso")
    data = image.read_bytes()
    assert placeholder in data
    image.write_bytes(data.replace(placeholder, hostile))
    try:
        medium = open_iso(image)
    except BuildError as error:
        assert "leads out of it" in error.message
    else:
        copy(medium, tmp_path / "deep/er/place", (), Recorder())
    assert sorted(path.name for path in tmp_path.iterdir()) in (["disc.iso", "tree"], ["deep", "disc.iso", "tree"])


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b\0", "c d"]), min_size=1, max_size=5))
def test_names_are_checked(parts: list[str]) -> None:
    path = "/".join(parts)
    if set(parts) <= {"a", "c d"}:
        check_names(Path("x"), [path])
    else:
        with pytest.raises(BuildError, match="leads out of it"):
            check_names(Path("x"), [path])


def is_within(path: Path, place: Path) -> bool:
    """Whether a path leads to something below a place, or to nothing, by way of links below it."""
    try:
        return Path(os.path.realpath(path, strict=True)).is_relative_to(place)
    except OSError as error:
        return error.errno == errno.ELOOP or Path(os.path.realpath(path)).is_relative_to(place)


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "..", ".", ""]), min_size=1, max_size=5).map("/".join)


@settings(max_examples=100)
@given(st.sets(PATHS, max_size=4), st.dictionaries(PATHS, TARGETS, max_size=6))
def test_nothing_is_written_through_a_link_and_no_link_leads_out(files: set[str], links: dict[str, str]) -> None:
    contents = {path: b"x" for path in files if not any(other.startswith(f"{path}/") for other in files)}
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch).resolve()
        place = top / "one" / "two" / "place"
        first = copy(Imagined({}, links), place, (), Recorder())
        copy(Imagined(contents), place, (), Recorder())
        assert [path.name for path in top.iterdir()] == ["one"]
        assert [path.name for path in (top / "one").iterdir()] == ["two"]
        for path in place.rglob("*"):
            assert is_within(path, place)
        assert all(leads_out(path, links[path]) for path in first.left_out)
        for path in contents:
            assert (place / path).read_bytes() == b"x"
            assert not any(above.is_symlink() for above in (place / path).parents if above.is_relative_to(place))


def test_a_copy_is_readable_by_all_and_runs_nothing(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"sub/tool": "x"})
    (tree / "sub/tool").chmod(0o4750)
    copy(open_directory(tree), tmp_path / "place", (), Recorder())
    assert (tmp_path / "place/sub/tool").stat().st_mode & 0o7777 == 0o644


def test_what_differs_is_copied_again_and_nothing_else(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"a": "one", "b": "two", "repodata/repomd.xml": "x"})
    place = tmp_path / "place"
    assert copy(open_directory(tree), place, ("repodata",), Recorder()).written == 3
    (place / "a").write_text("uno")
    write(place, {"own/notes": "of the site", "own/.copycds.new": "of a run that was killed"})
    before = (place / "b").stat().st_ino
    again = copy(open_directory(tree), place, ("repodata",), Recorder())
    assert (again.written, again.there) == (1, 2)
    assert (place / "a").read_text() == "one" and (place / "b").stat().st_ino == before
    assert [path.name for path in (place / "own").iterdir()] == ["notes"]


def test_indexes_are_written_last(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"AppStream/repodata/repomd.xml": "x", "BaseOS/z.rpm": "y", "dists/x": "z"})
    order: list[str] = []

    class Watched(Imagined):
        def chunks(self, path: str) -> Iterator[bytes]:
            order.append(path)
            return super().chunks(path)

    contents = dict.fromkeys(open_directory(tree).files, b"x")
    copy(Watched(contents), tmp_path / "place", ("repodata", "dists"), Recorder())
    assert order == ["BaseOS/z.rpm", "AppStream/repodata/repomd.xml", "dists/x"]


def test_what_a_killed_run_has_left_is_taken_over_and_the_rest_of_another_disc_is_not(tmp_path: Path) -> None:
    beside = write(tmp_path / ".place.copying", {"a": "one", "b": "tw", "stale/file": "x", "sub/.copycds.new": "half"})
    (beside / "stale/link").symlink_to("file")
    copied = copy(Imagined({"a": b"one", "b": b"two", "sub/c": b"x"}), tmp_path / "place", (), Recorder())
    assert (copied.written, copied.there) == (2, 1)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()) == [
        "place/a", "place/b", "place/sub/c",
    ]  # fmt: skip
