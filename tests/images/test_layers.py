"""Layers appear whole or not at all, are made once, and the ones used longest ago go."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sbkernel.images.layers.layers import Layers


def builder(text: str) -> Callable[[Path], dict[str, str]]:
    def build(tree: Path) -> dict[str, str]:
        tree.mkdir()
        (tree / "file").write_text(text)
        return {"text": text}

    return build


def failing(tree: Path) -> dict[str, str]:
    tree.mkdir()
    raise RuntimeError


def make(layers: Layers, digest: str, *, anew: bool = False) -> None:
    os.close(layers.make(digest, builder(digest), anew=anew))


def test_a_failed_build_leaves_no_layer_and_keeps_the_old_one(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    with pytest.raises(RuntimeError):
        layers.make("a1", failing)
    assert "a1" not in layers
    assert layers.hold("a1") is None
    make(layers, "a1")
    with pytest.raises(RuntimeError):
        layers.make("a1", failing, anew=True)
    assert (layers.tree("a1") / "file").read_text() == "a1"
    assert layers.facts("a1")["text"] == "a1"
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
        make(layers, name)
        os.utime(tmp_path / name, (age, age))
    held = layers.hold("a1")
    assert held is not None
    os.utime(tmp_path / "a1", (0, 0))
    layers.prune(["a1", "b2"])
    assert [name in layers for name in ("a1", "b2", "c3")] == [True, False, True]
    os.close(held)
    os.utime(tmp_path / "a1", (0, 0))
    layers.prune(["a1", "b2"])
    assert "a1" not in layers


def test_many_hold_a_layer_at_the_same_time(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    make(layers, "a1")
    held = [layers.hold("a1") for _ in range(3)]
    assert None not in held
    for descriptor in held:
        assert descriptor is not None
        os.close(descriptor)
