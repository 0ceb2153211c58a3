"""The executor with real directories: only what is missing runs, a kill loses one step, nothing half done is used."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sbkernel.images.execute import execute
from sbkernel.images.layers.layers import Layers
from sbkernel.images.plan import Facts, Plan, Step, Work
from sbkernel.images.shelf import DirectoryShelf, Outcome
from sbkernel.jobs.report import NullReport

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_execute import run
run(Path(sys.argv[1]), die_in=sys.argv[2])
"""


def steps(ran: list[str], die_in: str = "", fail_in: str = "") -> tuple[Step, ...]:
    """A small plan of every kind of step; each outcome tells which outcomes it was made from."""

    def program(name: str, work_: Callable[[Work], Facts | None]) -> Callable[[Work], Facts | None]:
        def run(work: Work) -> Facts | None:
            ran.append(name)
            facts = work_(work)
            if name == die_in:
                os.kill(os.getpid(), signal.SIGKILL)
            if name == fail_in:
                raise RuntimeError(name)
            return facts

        return run

    def layer(work: Work) -> Facts:
        work.target.mkdir()
        (work.target / "base").write_text("base")
        return {"epoch": 7}

    def tree(work: Work) -> None:
        shutil.copytree(work.path("packages"), work.target)

    def configure(work: Work) -> None:
        assert not (work.target / "configured").exists(), "a half configured tree was taken for a new one"
        (work.target / "configured").write_text(str(work.facts("packages")["epoch"]))

    def kernel(work: Work) -> Facts:
        work.target.write_text((work.path("root") / "configured").read_text())
        return {"kernelver": "6.1"}

    def manifest(work: Work) -> None:
        work.target.write_text(work.facts("kernel")["kernelver"])

    return (
        Step("download", "download", None, "nothing", run=program("download", lambda _: None)),
        Step("packages", "install", 1, "layer", "packages", on=("download",), run=program("packages", layer)),
        Step("tree", "copy", None, "tree", "root", on=("packages",), run=program("tree", tree)),
        Step("configure", "configure", 1, "tree", "root", on=("tree",), run=program("configure", configure)),
        Step("kernel", "kernel", None, "file", "kernel", on=("configure",), run=program("kernel", kernel)),
        Step("list", "list", None, "file", "list", on=("kernel",), beside=True, run=program("list", manifest)),
    )


def run(place: Path, *, die_in: str = "", fail_in: str = "", force: bool = False) -> list[str]:
    """Build into a directory and return what ran; what is whole is put in place as genimage does."""
    ran: list[str] = []
    plan = Plan("x", steps(ran, die_in, fail_in))
    layers = place / "layers"
    layers.mkdir(exist_ok=True)
    record = json.loads((place / "record").read_text()) if (place / "record").exists() else {}
    there = {name: Outcome(**one) for name, one in record.items()}
    with DirectoryShelf.open(plan, place, place / ".new", there, Layers(layers)) as shelf:
        execute(plan, shelf, NullReport(), force=force)
        for name in shelf.new:
            if (place / name).is_dir():
                shutil.rmtree(place / name)
            (place / ".new" / name).rename(place / name)
        record |= {name: vars(one) for name, one in shelf.new.items()}
        (place / "record").write_text(json.dumps(record))
    return ran


ALL = ["download", "packages", "tree", "configure", "kernel", "list"]


def test_all_runs_once_and_then_nothing(tmp_path: Path) -> None:
    assert run(tmp_path) == ALL
    assert run(tmp_path) == []
    assert (tmp_path / "list").read_text() == "6.1"
    assert not (tmp_path / ".new").exists()
    assert run(tmp_path, force=True) == ALL


def test_what_runs_beside_begins_when_that_is_done_which_it_stands_on(tmp_path: Path) -> None:
    begun, events = threading.Event(), []

    def waits(_: Work) -> None:
        events.append(begun.wait(60))

    def begins(work: Work) -> None:
        events.append((work.path("first")).exists())
        begun.set()
        work.target.touch()

    plan = Plan(
        "x",
        (
            Step("first", "first", None, "file", "first", run=lambda work: work.target.touch()),
            Step("other", "other", None, "nothing", on=("first",), run=waits),
            Step("beside", "beside", None, "file", "beside", on=("first",), beside=True, run=begins),
            Step("then", "then", None, "nothing", on=("beside",), run=lambda _: events.append("then")),
        ),
    )
    with DirectoryShelf.open(plan, tmp_path, tmp_path / ".new", {}, Layers(tmp_path)) as shelf:
        assert execute(plan, shelf, NullReport()) == ["first", "other", "beside", "then"]
    assert events == [True, True, "then"]


def test_what_somebody_removed_is_made_again_from_what_is_there(tmp_path: Path) -> None:
    run(tmp_path)
    record = json.loads((tmp_path / "record").read_text())
    del record["root"]
    (tmp_path / "record").write_text(json.dumps(record))
    assert run(tmp_path) == ["tree", "configure"]


@pytest.mark.parametrize(
    ("dies_in", "then"),
    [
        ("download", ALL),
        ("packages", ALL),
        ("tree", ["tree", "configure", "kernel", "list"]),
        ("configure", ["tree", "configure", "kernel", "list"]),
        ("kernel", ["kernel", "list"]),
        ("list", ["list"]),
    ],
)
def test_after_kill_9_it_goes_on_behind_the_last_finished_step(tmp_path: Path, dies_in: str, then: list[str]) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent))
    died = subprocess.run([sys.executable, "-c", code, tmp_path, dies_in], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert run(tmp_path) == then
    assert (tmp_path / "kernel").read_text() == "7"
    assert not (tmp_path / ".new").exists()


def test_nothing_that_was_left_before_a_crash_of_the_machine_is_trusted(tmp_path: Path) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent))
    subprocess.run([sys.executable, "-c", code, tmp_path, "kernel"], capture_output=True)
    journal = tmp_path / ".new" / ".steps.json"
    data = json.loads(journal.read_text())
    journal.write_text(json.dumps({**data, "boot": "another"}))
    assert run(tmp_path) == ["tree", "configure", "kernel", "list"]


@pytest.mark.parametrize("step", ALL)
def test_a_failure_leaves_the_old_outcomes_and_no_work_place(tmp_path: Path, step: str) -> None:
    run(tmp_path)
    before = (tmp_path / "record").read_text()
    with pytest.raises(RuntimeError, match=step):
        run(tmp_path, fail_in=step, force=True)
    assert (tmp_path / "record").read_text() == before
    assert not (tmp_path / ".new").exists()
    assert run(tmp_path) == []


def test_a_layer_stays_while_a_build_uses_it(tmp_path: Path) -> None:
    layers, ran = Layers(tmp_path / "layers"), []
    layers.root.mkdir()
    plan = Plan("x", steps(ran))
    with DirectoryShelf.open(plan, tmp_path, tmp_path / ".new", {}, layers) as shelf:
        execute(plan, shelf, NullReport())
        layers.prune(layers.digests())
        assert plan.digests["packages"] in layers
    layers.prune(layers.digests())
    assert plan.digests["packages"] not in layers


def test_two_builds_of_one_layer_make_it_once(tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    layers, made = tmp_path / "layers", []
    layers.mkdir()
    for place in places:
        place.mkdir()
        (place / "layers").symlink_to(layers)
    threads = [threading.Thread(target=lambda place=place: made.append(run(place))) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("packages" in ran for ran in made).count(True) == 1
    with suppress(FileNotFoundError):
        assert not [path for path in layers.iterdir() if path.name.startswith(".new")]
