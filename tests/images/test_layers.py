"""Layers appear whole or not at all, are made once, and the ones used longest ago go."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import until

from sbkernel.images.layers import Layers


def builder(text: str, made: list[str] | None = None) -> Callable[[Path], dict[str, str]]:
    def build(tree: Path) -> dict[str, str]:
        tree.mkdir()
        (tree / "file").write_text(text)
        if made is not None:
            until(somebody_waits_for_a_lock)
            made.append(text)
        return {"text": text}

    return build


def somebody_waits_for_a_lock() -> bool:
    """Say whether a thread of this process waits for a flock: /proc/locks has an arrow in front of who waits."""
    return any("->" in line and f" {os.getpid()} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_made_once_also_when_two_ask_at_the_same_time(tmp_path: Path) -> None:
    layers, made = Layers(tmp_path), []

    def use() -> None:
        with layers.using("a1", builder("x", made)) as tree:
            assert (tree / "file").read_text() == "x"

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["x"]
    assert layers.facts("a1")["text"] == "x"


def test_a_failed_build_leaves_no_layer_and_keeps_the_old_one(tmp_path: Path) -> None:
    layers = Layers(tmp_path)

    def failing(tree: Path) -> dict[str, str]:
        tree.mkdir()
        raise RuntimeError

    with pytest.raises(RuntimeError), layers.using("a1", failing):
        pass
    assert "a1" not in layers
    with layers.using("a1", builder("old")):
        pass
    with pytest.raises(RuntimeError), layers.using("a1", failing, anew=True):
        pass
    assert (layers.tree("a1") / "file").read_text() == "old"
    assert [path.name for path in tmp_path.glob(".new-*")] == []


def test_what_a_killed_build_left_is_not_a_layer_and_goes(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    for name in (".new-a1", ".gone-b2"):
        (tmp_path / name / "tree").mkdir(parents=True)
    assert "a1" not in layers
    layers.prune()
    assert not list(tmp_path.glob(".new-*")) + list(tmp_path.glob(".gone-*"))


def test_the_layers_used_longest_ago_go_but_not_one_in_use(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    for age, name in enumerate(["a1", "b2", "c3"]):
        with layers.using(name, builder(name)):
            pass
        os.utime(tmp_path / name, (age, age))
    with layers.using("a1", builder("unused")):
        os.utime(tmp_path / "a1", (0, 0))
        layers.prune(keep=1)
        assert [name in layers for name in ("a1", "b2", "c3")] == [True, False, True]
    os.utime(tmp_path / "a1", (0, 0))
    layers.prune(keep=1)
    assert "a1" not in layers
