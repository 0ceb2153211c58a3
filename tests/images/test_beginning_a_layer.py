"""A layer that is begun with before anybody knows whether a change starts from it: taken, or gone without a trace."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from smallbuild import Recorder
from test_making_layers import MANY, Files, resolution

from sbkernel.images.families.resolved import Change, Resolution
from sbkernel.images.layers.begun import begun
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import listing, sealing
from sbkernel.images.layers.making import Making
from sbkernel.images.layers.over import Linking, changing
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import Report

KILLED = """
import os, signal, sys
from pathlib import Path
from sbkernel.images.layers.begun import begun
from sbkernel.images.layers.layers import Layers
with begun(Layers(Path(sys.argv[1])), sys.argv[2]) as one:
    one.linked.result()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass
class Linked(Files):
    """Packages that are files, in trees that are changed as those of real package managers are."""

    def change(
        self,
        change: Change,
        wanted: Resolution,
        base: Path,
        tree: Path,
        report: Report,
        linking: Linking | None = None,
    ) -> Mapping[str, object]:
        self.done.append("linked before" if linking else "linked now")
        with changing(base, tree, report, linking) as view:
            view.run(["sh", "-ec", f"cd {view.tree}; rm {' '.join(sorted(change.leaving_names))}"])
        return {"epoch": 1, "packages": [str(one) for one in wanted.packages]}


def made(layers: Layers, manager: Files, wanted: Resolution, from_: str = "") -> str:
    """Make the layer of these packages, begun with another one; return its digest."""
    digest = digest_of([str(one) for one in wanted.packages])
    with begun(layers, from_) as one:
        making = Making(layers, manager, wanted, seals=False, begun=one)  # type: ignore[arg-type]
        os.close(layers.make(digest, lambda tree: making.make(tree, Recorder())))
        layers.complete(digest)
    return digest


def names(layers: Layers) -> set[str]:
    return {path.name for path in layers.root.iterdir() if not path.name.startswith(".turn-")}


def test_what_was_begun_with_is_taken_and_comes_to_the_same(tmp_path: Path) -> None:
    layers, manager = Layers(tmp_path), Linked()
    first = made(layers, manager, resolution(*MANY))
    second = made(layers, manager, resolution(*MANY[:8]), first)
    assert manager.done == ["install", "linked before"]
    assert names(layers) == {first, second}
    assert {path.name for path in (tmp_path / second).iterdir()} == {"tree", "layer.json"}
    facts = layers.facts(second)
    assert {"seal": facts["seal"], "bytes": facts["bytes"]} == sealing(layers.tree(second))
    layers.remove(second)
    assert made(layers, manager, resolution(*MANY[:8])) == second
    assert manager.done[2:] == ["linked now"]
    assert layers.facts(second)["seal"] == facts["seal"]
    assert listing(layers.tree(second), 1).keys() == {f"p{number}" for number in range(8)}


def test_another_that_is_nearer_is_taken_and_what_was_begun_is_gone(tmp_path: Path) -> None:
    layers, manager = Layers(tmp_path), Linked()
    first = made(layers, manager, resolution(*MANY))
    near = made(layers, manager, resolution(*MANY[:8]), first)
    last = made(layers, manager, resolution(*MANY[:7]), first)
    assert manager.done == ["install", "linked before", "linked now"]
    assert layers.facts(last)["start"]["layer"] == near
    assert names(layers) == {first, near, last}


def test_one_that_is_damaged_is_not_taken(tmp_path: Path) -> None:
    layers, manager = Layers(tmp_path), Linked()
    first = made(layers, manager, resolution(*MANY))
    (layers.tree(first) / "p1").write_text("damaged")
    second = made(layers, manager, resolution(*MANY[:8]), first)
    assert manager.done == ["install", "linked before", "install"]
    assert layers.facts(second)["how"] == f"clean: layer {first[:12]} is damaged"
    assert {path.name for path in (tmp_path / second).iterdir()} == {"tree", "layer.json"}
    assert names(layers) == {first, second}


@pytest.mark.parametrize("layer", ["", "0" * 64])
def test_without_that_layer_nothing_is_begun(tmp_path: Path, layer: str) -> None:
    with begun(Layers(tmp_path), layer) as one:
        assert one is None
    assert names(Layers(tmp_path)) == set()


def test_what_a_killed_build_has_begun_goes_with_the_next_clearing_up(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    first = made(layers, Linked(), resolution(*MANY))
    here = Path(__file__).parents[2]
    died = subprocess.run([sys.executable, "-c", KILLED, tmp_path, first], cwd=here, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(names(layers)) == 2
    layers.prune()
    assert names(layers) == {first}
