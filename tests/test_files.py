"""Files are written whole or not at all, and processes take turns."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sbkernel import files
from sbkernel.files import Folder, growing, hold, in_turn, is_held, point, take, write_if_changed, write_whole


def test_a_file_is_replaced_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, "new", mode=0o600, durable=True)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "kept").touch()
    with pytest.raises(OSError):
        write_whole(place, "a file cannot replace a directory that holds something")
    assert [one.name for one in tmp_path.iterdir()] == ["place"]


def test_an_unchanged_file_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    assert write_if_changed(path, "text")
    os.utime(path, (1, 1))
    assert not write_if_changed(path, "text")
    assert path.stat().st_mtime == 1
    assert write_if_changed(path, "other")


def test_a_link_is_pointed_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "link"
    for target in ("a", "b"):
        point(link, Path(target))
        assert link.readlink() == Path(target)


def test_others_are_refused_while_a_lock_is_held_and_let_in_when_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from sbkernel.files import take\n"
        "take(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_held(path)
        with pytest.raises(BlockingIOError):
            take(path, wait=False)
        process.kill()
    with in_turn(path, wait=False):
        assert is_held(path)
    assert not is_held(path)


def test_any_number_may_share_a_lock_and_none_takes_it_from_them(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path):
        first, second = hold(path, shared=True), hold(path, shared=True, wait=False)
        os.close(first)
        with pytest.raises(BlockingIOError):
            hold(path, wait=False)
        os.close(second)
        alone = hold(path, wait=False)
        with pytest.raises(BlockingIOError):
            hold(path, wait=False, shared=True)
        os.close(alone)
    with pytest.raises(FileNotFoundError):
        hold(tmp_path / "none")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file"]


@pytest.fixture(params=["no name", "a name beside"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory, on a file system that may know no files without a name."""
    open_ = os.open

    def refusing(path: str | Path, flags: int, *rest: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return open_(path, flags, *rest)

    if request.param != "no name":
        monkeypatch.setattr(os, "open", refusing)
    return tmp_path


def test_a_growing_file_is_seen_when_it_is_whole(place: Path) -> None:
    for text in (b"first", b"second"):
        with growing(place / "file") as file:
            file.write(text[:2])
            file.flush()
            assert not (place / "file").exists() or (place / "file").read_bytes() != text[:2]
            file.write(text[2:])
        assert (place / "file").read_bytes() == text
    assert [path.name for path in place.iterdir()] == ["file"]
    assert (place / "file").stat().st_mode & 0o777 == 0o644


def test_of_many_that_grow_at_once_one_is_there_whole(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(40):
            with growing(tmp_path / "file") as file:
                file.write(bytes([number]) * 100)

    with ThreadPoolExecutor() as beside:
        for one in [beside.submit(write, number) for number in range(6)]:
            one.result()
    assert len({*(tmp_path / "file").read_bytes()}) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_growing_file_that_fails_leaves_the_old_one(place: Path) -> None:
    (place / "file").write_text("old")
    with pytest.raises(RuntimeError), growing(place / "file") as file:
        file.write(b"new")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [("file", "old")]


def test_nothing_takes_the_place_of_a_device_or_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="no regular file"):
            write_whole(tmp_path / name, "text")
        with pytest.raises(OSError, match="no regular file"), growing(tmp_path / name) as file:
            file.write(b"text")
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]
    with pytest.raises(OSError, match="no regular file"):
        write_whole(Path("/dev/stdout"), "text")
    assert Path("/dev/stdout").is_symlink()


def test_a_folder_is_listed_after_many_misses_and_knows_what_it_does_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MISSES", 2)
    (tmp_path / "there").write_bytes(b"there")
    with Folder(tmp_path) as folder:
        assert [folder.read(name) for name in ("a", "b", "c", "there")] == [None, None, None, b"there"]
        assert folder.write_if_changed("a", b"ours") and not folder.write_if_changed("a", b"ours")
        folder.remove("a")
        (tmp_path / "there").unlink()
        assert folder.read("a") is folder.read("there") is None
        assert folder.write_if_changed("there", b"again")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("there", b"again")]


def test_a_folder_that_is_not_there_is_made_by_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MISSES", 1)
    with Folder(tmp_path / "new", 0o600) as folder:
        assert folder.read("a") is folder.read("a") is None
        # What a killed process has left has another mode, and is longer.
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / folder._beside).write_bytes(b"half of something long")
        assert folder.write_if_changed("a", b"whole")
        assert folder.read("a") == b"whole"
    (one,) = (tmp_path / "new").iterdir()
    assert (one.name, one.stat().st_mode & 0o777) == ("a", 0o600)


def test_what_is_new_is_written_in_its_place_and_what_has_come_meanwhile_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, replace = list[object](), os.replace
    monkeypatch.setattr(os, "replace", lambda *words, **more: (names.append(words[1]), replace(*words, **more)))
    with Folder(tmp_path, 0o640) as folder:
        folder.create("a", b"one")
        (tmp_path / "b").write_bytes(b"that of another process")
        reader = (tmp_path / "b").open("rb")
        folder.create("b", b"two")
        assert folder.seen == {name: files.identity((tmp_path / name).stat()) for name in ("a", "b")}
    assert names == ["b"]
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"a": b"one", "b": b"two"}
    assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o640}
    with reader:
        assert reader.read() == b"that of another process"


def test_an_error_leaves_what_is_new_empty_and_what_another_has_put_there_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after a part; before that is noticed, another process replaces the second file."""
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) == 8:
            return write(descriptor, content[:4])
        if (tmp_path / "b").exists():
            (tmp_path / "theirs").touch()
            (tmp_path / "theirs").rename(tmp_path / "b")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    with Folder(tmp_path) as folder:
        for name in ("a", "b"):
            with pytest.raises(OSError, match="full"):
                folder.create(name, b"12345678")
        assert not folder.seen
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"a": b"", "b": b""}


def test_what_fits_a_page_is_seen_empty_or_whole(tmp_path: Path) -> None:
    """Readers take an empty boot script for none at all, and never see a part of one."""
    content, seen, ended = b"x" * files.AT_ONCE, set[bytes](), threading.Event()

    def look() -> None:
        while not ended.is_set():
            for one in tmp_path.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    seen.add(one.read_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    with Folder(tmp_path) as folder:
        for number in range(2000):
            folder.create(str(number), content)
            folder.remove(str(number - 20))
    ended.set()
    watcher.join()
    assert content in seen and seen <= {b"", content}


@pytest.mark.parametrize("listed", [False, True])
def test_a_file_is_removed_if_it_holds_what_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    monkeypatch.setattr(files, "_MISSES", 1)
    (tmp_path / "a").write_bytes(b"to go")
    (tmp_path / "b").write_bytes(b"to stay")
    with Folder(tmp_path) as folder:
        if listed:
            folder.read("none")
        for name in ("a", "b", "c"):
            folder.remove_if(name, lambda content: b"go" in content)
        assert folder.seen.keys() == {"b"}
    assert [one.name for one in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_what_another_process_puts_there_meanwhile_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: bool, again: bool
) -> None:
    """It comes after we have looked, and once more while its file is aside."""
    monkeypatch.setattr(files, "_MISSES", 1)
    rename, link = os.rename, os.link
    (tmp_path / "a").write_bytes(b"to go")

    def late_rename(*arguments: object, **more: object) -> None:
        (tmp_path / "a").write_bytes(b"theirs")
        rename(*arguments, **more)  # type: ignore[arg-type]

    def late_link(*arguments: object, **more: object) -> None:
        if again:
            (tmp_path / "a").write_bytes(b"theirs again")
        link(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", late_rename)
    monkeypatch.setattr(os, "link", late_link)
    with Folder(tmp_path) as folder:
        if listed:
            folder.read("none")
        folder.remove_if("a", lambda content: b"go" in content)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"a": b"theirs again" if again else b"theirs"}
