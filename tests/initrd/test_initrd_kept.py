"""An initrd is kept only while each file that it could be made of is the one that it was made of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sbkernel.images.initrd.kept import keep, made_of, sum_of

MODULES = "usr/lib/modules/6.1"
CHANGES: dict[str, Callable[[Path], object]] = {
    "a module of the same size": lambda tree: (tree / MODULES / "a.ko").write_text("B"),
    "a module more": lambda tree: (tree / MODULES / "b.ko").write_text("b"),
    "a module less": lambda tree: (tree / MODULES / "a.ko").unlink(),
    "firmware": lambda tree: (tree / "usr/lib/firmware").mkdir(),
    "what a link leads to": lambda tree: (tree / "opt/linked").write_text("L"),
    "where a link leads": lambda tree: (tree / "opt").rename(tree / "elsewhere"),
    "the link above": lambda tree: [(tree / "lib").unlink(), (tree / "lib").mkdir()],
    "a busybox": lambda tree: (tree / "usr/bin/busybox").write_text("x"),
    "a configuration": lambda tree: (tree / "boot/config-6.1").write_text("CONFIG_RD_ZSTD=n"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in (MODULES, "usr/bin", "boot", "opt", "usr/src/headers"):
        (tree / name).mkdir(parents=True)
    (tree / "lib").symlink_to("usr/lib")
    (tree / MODULES / "a.ko").write_text("a")
    (tree / MODULES / "build").symlink_to("/usr/src/headers")
    (tree / MODULES / "linked.ko").symlink_to("/opt/linked")
    (tree / MODULES / "loop").symlink_to("../6.1")
    (tree / "opt/linked").write_text("l")
    (tree / "boot/config-6.1").write_text("CONFIG_RD_ZSTD=y")
    return tree


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen(tree: Path, what: str) -> None:
    before = made_of(tree, ["6.1"])
    assert made_of(tree, ["6.1"]) == before != {}
    CHANGES[what](tree)
    assert made_of(tree, ["6.1"]) != before


def test_what_no_initrd_is_made_of_changes_nothing(tree: Path) -> None:
    before = made_of(tree, ["6.1"])
    (tree / "usr/bin/tool").write_text("x")
    (tree / "usr/src/headers/x").write_text("x")
    tree.rename(tree.with_name("moved"))
    assert made_of(tree.with_name("moved"), ["6.1"]) == before
    assert made_of(tree.with_name("moved"), ["6.2"]) != before


def test_it_is_kept_as_it_was_recorded_or_not_at_all(tree: Path, tmp_path: Path) -> None:
    of, initrd, target = made_of(tree, []), tmp_path / "initrd", tmp_path / "new"
    initrd.write_text("initrd")
    facts = {**of, **sum_of(initrd)}
    assert keep(initrd, facts, of, target)
    assert target.read_text() == "initrd"
    target.unlink()
    for known, now in (({}, of), (facts, {}), ({**facts, "of": "x"}, of), (of, of)):
        assert not keep(initrd, known, now, target)
    initrd.write_text("INITRD")
    assert not keep(initrd, facts, of, target)
    initrd.unlink()
    assert not keep(initrd, facts, of, target)
    assert not target.exists()
