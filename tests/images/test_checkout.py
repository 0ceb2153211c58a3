"""A tree that is brought up to date in place is what a copy of the layer is, whatever was done to it before."""

import json
import marshal
import os
import random
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from smallbuild import Recorder
from treechanges import EPOCH, Changing

from sbkernel.errors import CommandError
from sbkernel.images.layers.checkout import Checkout
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import listing
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.namespaces import copy_tree, remove_tree, stamp

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
FAR = 2**40


class Onward(Changing):
    """Changes of a tree that is there; as in a layer, which shares its files, none is changed in place if `layered`."""

    def __init__(self, tree: Path, chance: random.Random, *, layered: bool) -> None:
        self.tree, self.random, self.layered = tree, chance, layered

    def some(self, fits: Callable[[int], bool] = lambda _: True) -> list[Path]:
        found = super().some(fits)
        for path in found if self.layered else ():
            if path.is_symlink() or not path.is_dir():
                beside = path.with_name("beside")
                subprocess.run(["cp", "--archive", "--", path, beside], check=True)
                beside.replace(path)
        return found


class Rig:
    """A rootimgdir, layers that start from each other, and what was said when a tree was made."""

    def __init__(self, place: Path, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.epoch = FAR
        self.layers = Layers(place / "layers")
        self.layers.root.mkdir()
        self.directory = RootimgDir(place / "it")
        self.directory.work.mkdir(parents=True)
        self.left = 0
        self.layer(A)

    def layer(self, digest: str, start: str = "", steps: int = 8) -> None:
        def build(tree: Path) -> dict[str, object]:
            if not start:
                Changing(tree, self.chance.randrange(1000))
                (tree / "there").mkdir()
                (tree / "there/file").write_text("content")
                return {"epoch": self.epoch}
            subprocess.run(["cp", "--archive", "--link", "--", self.layers.tree(start), tree], check=True)
            self.change(tree, steps, layered=True)
            return {"epoch": self.epoch, "start": {"layer": start}}

        os.close(self.layers.make(digest, build))

    def change(self, tree: Path, steps: int = 8, *, layered: bool = False) -> None:
        onward = Onward(tree, self.chance, layered=layered)
        for _ in range(steps):
            onward.step()

    def make(self, digest: str, *, anew: bool = False) -> bool:
        """Make the tree of a layer, as a build does; tell whether the old one was brought up to date."""

        def leave() -> None:
            self.left += 1

        report, before = Recorder(), self.left
        try:
            Checkout(self.layers, self.directory, leave, anew).make(digest, self.new, report)
        except BaseException:
            self.directory.set_aside()
            raise
        for file in (self.directory.kernel, self.directory.initrd):
            file.touch()
        self.directory.publish({"made": 1})
        assert state(self.directory.tree) == self.copied(digest)
        taken = any("brought up to date" in line for line in report.lines)
        assert taken or self.left == before
        return taken

    def copied(self, digest: str) -> tuple[object, ...]:
        """Return what a copy of a layer is, dated back."""
        place = self.directory.path.with_name("copy")
        copy_tree(self.layers.tree(digest), place)
        stamp(place, self.layers.facts(digest)["epoch"])
        found = state(place)
        remove_tree(place)
        return found

    @property
    def new(self) -> Path:
        return self.directory.new(self.directory.tree)


def state(tree: Path) -> tuple[object, ...]:
    """Return all that can be told of a tree: paths, attributes, contents, times, which names are one file."""
    times, names = {}, defaultdict(list)
    for path in (tree, *sorted(tree.rglob("*"))):
        status = path.lstat()
        times[str(path.relative_to(tree))] = status.st_mtime_ns
        if not path.is_dir() or path.is_symlink():
            names[status.st_ino].append(str(path.relative_to(tree)))
    return listing(tree, FAR), times, sorted(names.values()), tree.stat().st_mode


@pytest.mark.parametrize("seed", range(4))
def test_any_change_of_layer_and_tree_gives_what_a_copy_gives(tmp_path: Path, seed: int) -> None:
    rig = Rig(tmp_path, seed)
    rig.epoch = EPOCH + 1
    rig.layer(B, A)
    rig.epoch = EPOCH + 1 + seed % 2
    rig.layer(C, B)
    assert not rig.make(A)
    for digest in (A, B, C, B, B, A):
        rig.change(rig.directory.tree, rig.chance.choice([0, 3, 12]))
        assert rig.make(digest)


def test_nothing_is_copied_that_nobody_has_touched(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.layer(B, A, steps=0)
    rig.make(A)
    before = {path: path.lstat().st_ctime_ns for path in rig.directory.tree.rglob("*") if path.is_file()}
    assert rig.make(B)
    assert {path: path.lstat().st_ctime_ns for path in rig.directory.tree.rglob("*") if path.is_file()} == before


def test_content_of_the_same_size_and_time_is_seen_and_links_lead_nowhere(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    rig.make(A)
    file = rig.directory.tree / "there/file"
    status = file.stat()
    file.write_text("CONTENT")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert rig.make(A)
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(outside)
    assert rig.make(A)
    assert [path.name for path in outside.iterdir()] == ["kept"]


def test_the_tree_is_copied_where_nothing_is_known_of_the_old_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.layer(B, A)
    rig.layer(C)
    rig.make(A)
    assert not rig.make(A, anew=True), "as asked"
    assert not rig.make(C), "a layer that has nothing to do with the old one"
    assert not rig.make(A), "nor the other way round"
    listed = rig.directory.copied
    about, inode, files = listed.read_bytes().split(b"\n", 2)
    known = json.loads(about)
    for other in ({**known, "boot": "another"}, {**known, "made": 1}, []):
        listed.write_bytes(b"\n".join([json.dumps(other).encode(), inode, files]))
        assert not rig.make(A), other
    for damaged in (b"\n".join([about, b"1", files]), b"\n".join([about, b"", files]), b"{", b""):
        listed.write_bytes(damaged)
        assert not rig.make(A), damaged
    rig.layers.remove(A)
    assert not rig.make(B), "the old layer is gone: its inodes may be those of other files now"


@pytest.mark.parametrize("files", [b"", b"damaged", marshal.dumps(1)])
def test_all_is_copied_where_the_list_of_files_is_damaged(tmp_path: Path, files: bytes) -> None:
    rig = Rig(tmp_path)
    rig.make(A)
    (rig.directory.tree / "there/file").write_text("CONTENT")
    about, inode, _ = rig.directory.copied.read_bytes().split(b"\n", 2)
    rig.directory.copied.write_bytes(b"\n".join([about, inode, files]))
    assert rig.make(A)


def test_a_tree_in_which_something_is_mounted_is_left_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.make(A)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/kept").write_text("kept")
    point = rig.directory.tree / "mounted here"
    point.mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "home", point], check=True)
    checkout = Checkout(rig.layers, rig.directory, lambda: None)
    try:
        with checkout._base(checkout._known(), A) as base:
            assert base is None
    finally:
        subprocess.run(["umount", point], check=True)
    assert (tmp_path / "home/kept").read_text() == "kept"
    assert rig.make(A)


@pytest.mark.parametrize("fault", ["exit 1", "kill -9 $PPID", 'cp "$@"; kill -9 $PPID'])
def test_a_tree_on_which_a_build_has_failed_or_died_is_set_aside_and_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    rig = Rig(tmp_path)
    rig.layer(B, A)
    rig.make(A)
    rig.change(rig.directory.tree)
    programs = tmp_path / "bin"
    programs.mkdir()
    cp = programs / "cp"
    cp.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{fault}\n")
    cp.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        with pytest.raises(CommandError):
            rig.make(B)
    assert rig.directory.record() == {}, "packimage and others see that there is no image"
    assert not rig.directory.tree.exists() and rig.directory.old.exists()
    assert rig.make(B)
    assert not rig.directory.old.exists()
