"""A layer that is copied while it is made gives the tree that a copy of the finished one gives, whatever is done."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from smallbuild import Recorder
from test_checkout import C, Onward, Rig, state
from treechanges import Changing
from waiting import until

from sbkernel.images.layers.checkout import Checkout

Build = Callable[[Path], None]


class Ahead(Rig):
    """Layers whose trees are copied while a test makes them."""

    def make_of(self, build: Build) -> int:
        """Make a layer by `build`, copied meanwhile, and its tree; return how many files were copied at the end."""

        def watched(tree: Path) -> dict[str, object]:
            with self.checkout.ahead(tree):
                build(tree)
            return {"epoch": self.epoch}

        os.close(self.layers.make(C, watched))
        self.make(C)
        [line] = [line for line in self.report.lines if "not copied while" in line]
        return int(line.split()[-1])

    def make(self, digest: str, *, anew: bool = False) -> bool:
        self.report = Recorder()
        self.checkout.make(digest, self.new, self.report)
        for file in (self.directory.kernel, self.directory.initrd):
            file.touch()
        self.directory.publish({"made": 1})
        assert state(self.directory.tree) == self.copied(digest)
        return anew

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.layers, self.directory, lambda: None)

    @property
    def begun(self) -> Path:
        return self.directory.ahead[0]


def written(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_what_is_left_alone_is_copied_meanwhile(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)

    def build(tree: Path) -> None:
        for number in range(50):
            written(tree / f"usr/{number}", str(number))
        (tree / "usr/link").symlink_to("0")
        until(lambda: (rig.begun / "usr/link").is_symlink() and len(list(rig.begun.glob("usr/*"))) == 51)

    assert rig.make_of(build) <= 1, "the last copy may not have been noted yet"


@pytest.mark.parametrize("seed", range(4))
def test_any_change_meanwhile_gives_what_a_copy_gives(tmp_path: Path, seed: int) -> None:
    rig = Ahead(tmp_path, seed)

    def build(tree: Path) -> None:
        Changing(tree, seed)
        onward = Onward(tree, Random(seed), layered=False)
        for number in range(3):
            mark = tree / f"mark{number}"
            written(mark, "")
            until(lambda mark=mark: (rig.begun / mark.name).exists())  # type: ignore[misc]
            for _ in range(10):
                onward.step()

    rig.make_of(build)


def test_a_file_of_the_same_size_and_time_is_copied_again(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)

    def build(tree: Path) -> None:
        file, other = tree / "there/file", tree / "there/mode"
        written(file, "content")
        written(other, "")
        until(lambda: all((rig.begun / "there" / name).exists() for name in ("file", "mode")))
        status = file.stat()
        file.write_text("CONTENT")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.chmod(0o4711)

    assert rig.make_of(build) == 2
    assert (rig.directory.tree / "there/file").read_text() == "CONTENT"


def test_nothing_from_outside_comes_in_through_a_link_in_place_of_a_directory(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)
    outside = tmp_path / "outside"
    written(outside / "secret", "of the host")

    def build(tree: Path) -> None:
        written(tree / "there/file", "content")
        until(lambda: (rig.begun / "there/file").exists())
        (tree / "there").rename(tree / "moved")
        (tree / "there").symlink_to(outside)
        written(tree / "mark", "")
        until(lambda: (rig.begun / "mark").exists())
        assert not (rig.begun / "there/secret").exists()

    rig.make_of(build)
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_link_that_a_copy_would_be_written_through_is_not_followed(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()

    def build(tree: Path) -> None:
        tree.mkdir()
        (tree / "there").symlink_to(outside)
        until(lambda: (rig.begun / "there").is_symlink())
        (tree / "there").unlink()
        written(tree / "there/file", "content")
        written(tree / "mark", "")
        until(lambda: (rig.begun / "mark").exists())

    rig.make_of(build)
    assert not list(outside.iterdir())


def test_killed_or_never_begun_it_is_done_without(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)

    def build(tree: Path) -> None:
        written(tree / "file", "content")
        until(lambda: (rig.begun / "file").exists())
        [process] = processes(rig)
        os.kill(process, signal.SIGKILL)
        until(lambda: not processes(rig))

    with pytest.raises(ValueError, match="not enough values"):
        rig.make_of(build)
    assert (rig.directory.tree / "file").read_text() == "content", "copied whole"


def test_nothing_runs_any_more_when_what_makes_the_layer_fails(tmp_path: Path) -> None:
    rig = Ahead(tmp_path)

    def build(tree: Path) -> None:
        tree.mkdir()
        until(lambda: processes(rig))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rig.make_of(build)
    assert not processes(rig)


def processes(rig: Ahead) -> list[int]:
    """Return who copies: nobody else's command line names that place, but for who put it into its namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(rig.begun) in words and b"python" in words[0]:
            found.append(int(path.parent.name))
    return found
