"""Where a layer starts from: the nearest one that will do; what is said then; and what happens when that fails."""

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from smallbuild import Recorder

from sbkernel.errors import BuildError, JobCancelledError
from sbkernel.images.families.change import change_from, cost, cost_of_all, recorded
from sbkernel.images.families.resolved import Change, NotFetchedError, Resolution, Resolved
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import unlike
from sbkernel.images.layers.making import Making
from sbkernel.images.layers.nearest import starts
from sbkernel.images.layers.over import Linking
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import Report

BIG = 10 << 20


def package(name: str, version: str = "1", size: int = BIG) -> Resolved:
    return Resolved(name, version, "all", size, f"{name}-{version}".ljust(64, "0"))


def resolution(*packages: Resolved) -> Resolution:
    return Resolution(tuple(sorted(packages)))


MANY = tuple(package(f"p{number}") for number in range(10))


@dataclass
class Files:
    """A package manager to which a package is a file; what it does is noted in `done`."""

    asked: Sequence[str] = ()
    like: str = "same"
    objection: str = ""
    failing: Exception | None = None
    wrong: bool = False
    done: list[str] = field(default_factory=list)

    def shared(self, _resolution: Resolution) -> str:
        return self.like

    def fetch(self, resolution: Resolution, report: Report) -> None:
        pass

    def why_clean(self, _change: Change, _resolution: Resolution, base: Path) -> str:
        return self.objection

    def install(self, wanted: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        self.done.append("install")
        tree.mkdir()
        for one in wanted.packages:
            (tree / one.name).write_text(one.version)
        return {"epoch": 1, "packages": [str(one) for one in wanted.packages]}

    def change(
        self,
        change: Change,
        wanted: Resolution,
        base: Path,
        tree: Path,
        report: Report,
        linking: Linking | None = None,
    ) -> Mapping[str, Any]:
        self.done.append(f"change {change}")
        tree.mkdir()
        if self.failing is not None:
            raise self.failing
        names = {path.name for path in base.iterdir()} - change.leaving_names
        for name in {*names, *(one.name for one in change.coming)}:
            (tree / name).write_text(
                "wrong" if self.wrong else next(p.version for p in wanted.packages if p.name == name)
            )
        return {"epoch": 1, "packages": [str(one) for one in wanted.packages]}


def make(layers: Layers, manager: Files, wanted: Resolution, report: Report | None = None, **how: bool) -> str:
    """Make the layer of these packages; return how that was done."""
    making = Making(layers, manager, wanted, **how)  # type: ignore[arg-type]
    digest = digest_of([str(one) for one in wanted.packages])
    os.close(layers.make(digest, lambda tree: making.make(tree, report or Recorder())))
    return str(layers.facts(digest)["how"])


def test_the_nearest_layer_is_started_from_and_that_is_said_before_and_after(tmp_path: Path) -> None:
    layers, manager = Layers(tmp_path), Files()
    assert make(layers, manager, resolution(*MANY)) == "clean: no layer is near"
    assert make(layers, manager, resolution(*MANY[:8])).endswith("- p8, - p9")
    wanted = resolution(*MANY[:7], package("p7", "2"), package("new", size=1))
    foreseen = Making(layers, manager, wanted).foresee()  # type: ignore[arg-type]
    report = Recorder()
    how = make(layers, manager, wanted, report)
    near = digest_of([str(one) for one in resolution(*MANY[:8]).packages])
    assert how == foreseen == f"from layer {near[:12]}: + new, ~ p7"
    assert report.lines == [f"start {how}"]
    assert manager.done == ["install", "change - p8, - p9", "change + new, ~ p7"]
    facts = layers.facts(digest_of([str(one) for one in wanted.packages]))
    assert facts["start"] == {"layer": near, "coming": ["new=1:all", "p7=2:all"], "leaving": ["p7=1:all"]}


def test_what_nobody_can_look_into_yet_is_said_before(tmp_path: Path) -> None:
    class Undownloaded(Files):
        def why_clean(self, change: Change, _resolution: Resolution, base: Path) -> str:
            raise NotFetchedError(change.coming[0])

    layers = Layers(tmp_path)
    make(layers, Files(), resolution(*MANY[:9]))
    foreseen = Making(layers, Undownloaded(), resolution(*MANY)).foresee()  # type: ignore[arg-type]
    assert foreseen.endswith(": + p9; clean if their scripts need that (p9 is not downloaded yet)")


def test_what_is_too_far_or_made_otherwise_is_not_near(tmp_path: Path) -> None:
    layers, manager = Layers(tmp_path), Files()
    make(layers, manager, resolution(*MANY))
    assert make(layers, manager, resolution(*(package(f"q{n}") for n in range(10)))) == "clean: no layer is near"
    assert make(layers, Files(like="other"), resolution(*MANY[:9])) == "clean: no layer is near"
    assert make(layers, Files(asked=["p2", "p1"]), resolution(*MANY[:8])).startswith("from layer ")
    assert make(layers, Files(asked=["p1", "p2", "p3"]), resolution(*MANY[:6], package("x"))).startswith("from layer ")
    (tmp_path / "0123").mkdir()
    (tmp_path / "0123/layer.json").write_text('{"packages": []}')
    assert make(layers, manager, resolution(*MANY[1:])).startswith("from layer ")


def test_the_order_in_which_packages_were_asked_for_counts() -> None:
    facts = {**recorded(resolution(*MANY), ["p1", "p2", "p3"]), "epoch": 1}
    assert change_from(facts, resolution(*MANY), ["p2", "p1"]) is None
    change = change_from(facts, resolution(*MANY), ["p1", "p4=1", "p3:all"])
    assert change is not None
    assert (change.now_asked, change.not_asked) == ({"p4"}, {"p2"})


def test_clean_and_objections_and_failures_lead_to_a_clean_build(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    make(layers, Files(), resolution(*MANY))
    assert make(layers, Files(), resolution(*MANY[:9]), clean=True) == "clean: as asked"
    manager = Files(objection="x makes users")
    assert make(layers, manager, resolution(*MANY[:8])) == "clean: x makes users"
    manager, report = Files(failing=BuildError("a script failed")), Recorder()
    assert make(layers, manager, resolution(*MANY[:7]), report) == "clean: the change has failed: a script failed"
    assert manager.done[-1] == "install"
    assert "a script failed" in report.lines
    assert report.lines[-1] == "build clean: the change has failed: a script failed"
    with pytest.raises(JobCancelledError):
        make(layers, Files(failing=JobCancelledError("it was cancelled")), resolution(*MANY[:6]))


def test_a_layer_that_is_damaged_or_goes_meanwhile_is_not_started_from(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    make(layers, Files(), resolution(*MANY))
    digest = digest_of([str(one) for one in resolution(*MANY).packages])
    (layers.tree(digest) / "p3").unlink()
    assert make(layers, Files(), resolution(*MANY[:9])) == f"clean: layer {digest[:12]} is damaged"
    layers.remove(digest)
    (other,) = (name for name, _ in layers.every())
    report = Recorder()

    class Busy(Layers):
        def every(self) -> Any:
            yield from list(Layers(tmp_path).every())
            layers.remove(other)

    assert make(Busy(tmp_path), Files(), resolution(*MANY[:8]), report) == "clean: the layer is being made or removed"


def test_verify_builds_clean_beside_and_shows_what_differs(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    make(layers, Files(), resolution(*MANY))
    good = Files()
    make(layers, good, resolution(*MANY[:9]), verify=True)
    assert good.done == ["change - p9", "install"]
    with pytest.raises(BuildError, match=r"(?s)not what a clean build \(-\) gives:\n- p0 .*\n\+ p0 ") as caught:
        make(layers, Files(wrong=True), resolution(*MANY[:8]), verify=True)
    assert "--clean" in str(caught.value.hint)
    assert len(list(layers.every())) == 2
    digest = digest_of([str(one) for one in resolution(*MANY[:9]).packages])
    making = Making(layers, good, resolution(*MANY[:9]))  # type: ignore[arg-type]
    making.examine(digest, Recorder())
    (layers.tree(digest) / "p0").write_text("other")
    with pytest.raises(BuildError, match="not what a clean build"):
        making.examine(digest, Recorder())
    assert digest not in layers
    assert [path.name for path in tmp_path.glob(".new-*")] == []


@pytest.mark.parametrize("seed", range(4))
def test_any_walk_from_list_to_list_gives_what_a_clean_build_gives(tmp_path: Path, seed: int) -> None:
    chance, layers = random.Random(seed), Layers(tmp_path)
    for _ in range(5):
        chosen = [package(one.name, chance.choice("12")) for one in MANY if chance.random() < 0.7] or [MANY[0]]
        wanted = resolution(*chosen)
        make(layers, Files(), wanted)
        tree = layers.tree(digest_of([str(one) for one in wanted.packages]))
        assert {path.name: path.read_text() for path in tree.iterdir()} == {one.name: one.version for one in chosen}
        found = starts(layers.every(), wanted, (), digest_of("same"))
        assert found[0].change == Change((), (), old_epoch=1)
        assert [cost(one.change) for one in found] == sorted(cost(one.change) for one in found)
        assert cost(found[-1].change) <= cost_of_all(wanted)


def test_a_long_list_of_differences_is_cut() -> None:
    lines = unlike({str(number): "a" for number in range(100)}, {})
    assert lines[-1] == "and 80 lines more"
    assert len(lines) == 21
