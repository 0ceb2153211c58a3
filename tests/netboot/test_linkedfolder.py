"""Files that say the same are one file under many names, and each name goes its own way all the same."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.files import AT_ONCE, identity
from sbkernel.netboot.linkedfolder import LinkedFolder

A, B = b"script of A", b"script of B"


def inode(path: Path) -> int:
    return path.stat().st_ino


def contents(directory: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in directory.iterdir()}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LinkedFolder]:
    with LinkedFolder(tmp_path / "nodes") as opened:
        yield opened


def share(folder: LinkedFolder, content: bytes, *names: str, is_new: bool = False) -> None:
    for name in names:
        folder.share(name, content, is_new=is_new)


@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_alike_is_one_file(tmp_path: Path, folder: LinkedFolder, is_new: bool) -> None:
    share(folder, A, "a1", "a2", "a3", is_new=is_new)
    share(folder, B, "b1", "b2", is_new=is_new)
    found = {name: (tmp_path / "nodes" / name) for name in ("a1", "a2", "a3", "b1", "b2")}
    assert contents(tmp_path / "nodes") == {name: A if name[0] == "a" else B for name in found}
    assert len({inode(found[name]) for name in ("a1", "a2", "a3")}) == 1
    assert inode(found["b1"]) == inode(found["b2"]) != inode(found["a1"])
    assert {path.stat().st_mode & 0o777 for path in found.values()} == {0o644}
    assert folder.seen == {name: identity(path.stat()) for name, path in found.items()}


def test_one_that_becomes_another_leaves_the_others(tmp_path: Path, folder: LinkedFolder) -> None:
    share(folder, A, "n1", "n2", "n3", is_new=True)
    kept = inode(tmp_path / "nodes/n3")
    with (tmp_path / "nodes/n3").open("rb") as reader:
        folder.share("n1", B)
        folder.write("n2", b"alone")
        assert reader.read() == A
    assert contents(tmp_path / "nodes") == {"n1": B, "n2": b"alone", "n3": A}
    assert (inode(tmp_path / "nodes/n3"), (tmp_path / "nodes/n3").stat().st_nlink) == (kept, 1)


@pytest.mark.parametrize("is_new", [True, False])
def test_what_has_come_meanwhile_is_replaced_and_not_written_into(
    tmp_path: Path, folder: LinkedFolder, is_new: bool
) -> None:
    share(folder, A, "n1", is_new=True)
    (tmp_path / "nodes/n2").write_bytes(b"of another process")
    with (tmp_path / "nodes/n2").open("rb") as reader:
        folder.share("n2", A, is_new=is_new)
        assert reader.read() == b"of another process"
    assert contents(tmp_path / "nodes") == {"n1": A, "n2": A}
    assert inode(tmp_path / "nodes/n1") == inode(tmp_path / "nodes/n2")


def test_what_another_process_has_put_in_place_of_the_first_is_not_linked(tmp_path: Path, folder: LinkedFolder) -> None:
    share(folder, A, "n1", is_new=True)
    (tmp_path / "theirs").write_bytes(B)
    (tmp_path / "theirs").rename(tmp_path / "nodes/n1")  # the one that was written has no name any more
    share(folder, A, "n2", "n3", is_new=True)
    (tmp_path / "theirs").write_bytes(B)
    (tmp_path / "theirs").rename(tmp_path / "nodes/n2")  # it has still that of n3
    share(folder, A, "n4", is_new=True)
    assert contents(tmp_path / "nodes") == {"n1": B, "n2": B, "n3": A, "n4": A}
    assert inode(tmp_path / "nodes/n3") == inode(tmp_path / "nodes/n4")


def test_what_another_process_replaces_before_it_is_found_again(
    tmp_path: Path, folder: LinkedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = LinkedFolder.create

    def replaced(self: LinkedFolder, name: str, content: bytes) -> None:
        create(self, name, content)
        (tmp_path / "theirs").write_bytes(B)
        (tmp_path / "theirs").rename(tmp_path / "nodes" / name)

    with monkeypatch.context() as patch:
        patch.setattr(LinkedFolder, "create", replaced)
        share(folder, A, "n0", is_new=True)
        before = open_files()
        share(folder, A, "n1", is_new=True)
        assert open_files() == before
    share(folder, A, "n2", "n3", is_new=True)
    assert contents(tmp_path / "nodes") == {"n0": B, "n1": B, "n2": A, "n3": A}


def test_a_link_that_a_killed_process_has_left_is_never_written_into(tmp_path: Path) -> None:
    """It is the file of others; the same process number comes again."""
    with LinkedFolder(tmp_path) as folder:
        share(folder, A, "n1", "n2", is_new=True)
        os.link(tmp_path / "n1", tmp_path / folder._link)
    assert contents(tmp_path) == {"n1": A, "n2": A}
    with LinkedFolder(tmp_path) as folder:
        os.link(tmp_path / "n1", tmp_path / folder._link)
        folder.write("n3", B)
        folder.share("n3", b"C")
        folder.share("n4", b"C")
        (tmp_path / "n5").write_bytes(b"old")
        folder.share("n5", b"C")
        assert (tmp_path / "n1").read_bytes() == A
    assert contents(tmp_path) == {"n1": A, "n2": A, "n3": b"C", "n4": b"C", "n5": b"C"}
    assert inode(tmp_path / "n3") == inode(tmp_path / "n5") and (tmp_path / "n1").stat().st_nlink == 2


def test_the_same_link_that_another_process_has_made_meanwhile(tmp_path: Path) -> None:
    """rename(2) of two names of one file does nothing, and both stay."""
    with LinkedFolder(tmp_path) as folder:
        share(folder, A, "n1", is_new=True)
        os.link(tmp_path / "n1", tmp_path / "n2")
        share(folder, A, "n2")
    assert contents(tmp_path) == {"n1": A, "n2": A}


def test_a_file_that_has_as_many_names_as_it_can_is_followed_by_another(
    tmp_path: Path, folder: LinkedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def few(source: str, name: str, **more: int) -> None:
        if Path(source).stat().st_nlink == 3:
            raise OSError(errno.EMLINK, "too many links")
        link(source, name, **more)

    monkeypatch.setattr(os, "link", few)
    names = [f"n{number}" for number in range(10)]
    share(folder, A, *names, is_new=True)
    assert contents(tmp_path / "nodes") == dict.fromkeys(names, A)
    assert sorted((tmp_path / "nodes" / name).stat().st_nlink for name in names) == [1, *[3] * 9]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOENT, errno.EXDEV, errno.ENOSYS])
@pytest.mark.parametrize("is_new", [True, False])
def test_where_nothing_can_be_linked_all_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_new: bool
) -> None:
    """A file system without links, or one in which a file was copied up; a kernel that forbids it; no /proc."""

    def never(*_words: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    before = open_files()
    with LinkedFolder(tmp_path / "nodes") as folder, monkeypatch.context() as patch:
        patch.setattr(os, "link", never)
        share(folder, A, "n1", "n2", "n3", is_new=is_new)
        share(folder, B, "n2", is_new=is_new)
    assert contents(tmp_path / "nodes") == {"n1": A, "n2": B, "n3": A}
    assert {path.stat().st_nlink for path in (tmp_path / "nodes").iterdir()} == {1}
    assert open_files() == before


def test_an_error_of_the_disk_is_raised_and_leaves_the_others(
    tmp_path: Path, folder: LinkedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(folder, A, "n1", "n2", is_new=True)

    def full(*_words: object, **_more: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        for call in ("write", "link"):
            patch.setattr(os, call, full)
        for is_new, content in ((True, A), (False, A), (True, B), (False, B)):
            with pytest.raises(OSError, match="full"):
                folder.share("n3" if is_new else "n1", content, is_new=is_new)
    assert contents(tmp_path / "nodes") == {"n1": A, "n2": A, "n3": b""}
    share(folder, B, "n3", "n1")
    assert contents(tmp_path / "nodes") == {"n1": B, "n2": A, "n3": B}


def test_what_was_there_before_is_read_once_and_not_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name never gets a file as old as the one it has: by time and length copies tell whether they are right."""
    with LinkedFolder(tmp_path) as folder:
        share(folder, A, "n1", "n2", is_new=True)
        share(folder, B, "n3", is_new=True)
    for name in ("n1", "n3"):
        os.utime(tmp_path / name, (1, 1))
    opened, open_ = list[object](), os.open
    monkeypatch.setattr(os, "open", lambda *words, **more: (opened.append(words[0]), open_(*words, **more))[1])
    with LinkedFolder(tmp_path) as folder:
        assert [folder.read_shared(name) for name in ("n1", "n2", "n3", "n4")] == [A, A, B, None]
        assert [one for one in opened if str(one).startswith("n")] == ["n1", "n3"]
        assert folder.seen.keys() == {"n1", "n2", "n3"}
        share(folder, A, "n3", "n4")
    assert contents(tmp_path) == dict.fromkeys(("n1", "n2", "n3", "n4"), A)
    assert inode(tmp_path / "n1") == inode(tmp_path / "n2") != inode(tmp_path / "n3") == inode(tmp_path / "n4")
    assert (tmp_path / "n3").stat().st_mtime > 1


def test_what_somebody_has_written_into_is_read_again(tmp_path: Path) -> None:
    with LinkedFolder(tmp_path) as folder:
        share(folder, A, "n1", "n2", is_new=True)
    with LinkedFolder(tmp_path) as folder:
        assert folder.read_shared("n1") == A
        with (tmp_path / "n1").open("ab") as file:
            file.write(b" by hand")
        assert folder.read_shared("n2") == A + b" by hand"
        share(folder, A, "n2")
        assert folder.read_shared("n2") == A


def test_what_is_long_is_never_seen_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, replace = list[object](), os.replace
    monkeypatch.setattr(os, "replace", lambda *words, **more: (names.append(words[1]), replace(*words, **more)))
    with LinkedFolder(tmp_path) as folder:
        share(folder, b"x" * AT_ONCE, "n1", "n2", is_new=True)
        share(folder, b"x" * (AT_ONCE + 1), "n3", "n4", is_new=True)
    assert names == ["n3"]
    assert inode(tmp_path / "n3") == inode(tmp_path / "n4")


def test_few_files_are_held_open_and_none_is_left_so(tmp_path: Path) -> None:
    before = open_files()
    with LinkedFolder(tmp_path) as folder:
        for number in range(150):
            share(folder, b"%d" % number, f"a{number}", f"b{number}", is_new=True)
            assert open_files() <= before + 70
        share(folder, b"0", "a150")
        folder.write("single", b"1")
    with LinkedFolder(tmp_path) as folder:
        assert folder.read_shared("single") == b"1"
        for _ in range(2):
            for number in range(150):
                assert folder.read_shared(f"a{number}") == folder.read_shared(f"b{number}") == b"%d" % number
        assert open_files() <= before + 70
    assert open_files() == before


def test_what_is_used_most_is_not_forgotten(tmp_path: Path) -> None:
    with LinkedFolder(tmp_path) as folder:
        for number in range(150):
            share(folder, b"%d" % number, f"other{number}", is_new=True)
            share(folder, A, f"n{number}", is_new=True)
    assert len({inode(path) for path in tmp_path.glob("n*")}) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["share", "share new", "write", "create", "remove", "read", "again", "theirs"]),
        st.sampled_from(["n1", "n2", "n3", "n4"]),
        st.sampled_from([A, B, b"x" * (AT_ONCE + 1)]),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(STEPS)
def test_it_is_a_directory_in_which_each_name_has_its_own_content(steps: list[tuple[str, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory, expected = Path(place), dict[str, bytes]()
        folder = LinkedFolder(directory)
        for what, name, content in steps:
            if what == "again":
                folder.__exit__()
                folder = LinkedFolder(directory)
            elif what == "read":
                assert folder.read_shared(name) == expected.get(name)
            elif what == "remove":
                folder.remove(name)
                expected.pop(name, None)
            else:
                expected[name] = content
                if what == "theirs":
                    (directory / "theirs").write_bytes(content)
                    (directory / "theirs").rename(directory / name)
                elif what == "create":
                    folder.create(name, content)
                elif what == "write":
                    folder.write(name, content)
                else:
                    folder.share(name, content, is_new=what == "share new")
            assert {one: text for one, text in contents(directory).items() if one[0] != "."} == expected
        folder.__exit__()
        assert contents(directory) == expected
