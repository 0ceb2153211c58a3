"""A changed tree is, path by path, what a clean build gives: over random lists, and whatever is killed meanwhile."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest
from changing import POOLS, content, made, making, repository
from smallbuild import Recorder

from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import seal
from sbkernel.images.tree.namespaces import check_isolation
from sbkernel.jobs.report import Report
from sbkernel.site import Site

SEED = 713
STEPS = 2
CHANGE = """
import sys
sys.path[:0] = {path!r}
from test_change_random import change_and_tell
change_and_tell(*sys.argv[1:])
"""


class Pair:
    """Two random lists, and two caches with the layer of one each, built clean."""

    def __init__(self, family: str, packages: tuple[Path, Path], site: Site, place: Path, seed: int) -> None:
        self.family, self.site, self.pool = family, site, POOLS[family]
        self.repository = repository(family, *packages)
        self.chance = random.Random(seed)
        self.lists = [self.pool.random_list(self.chance) for _ in range(2)]
        self.layers = [Layers(place / str(number)) for number in range(2)]
        for one in self.layers:
            one.root.mkdir(parents=True)
        self.clean = [self.make(number, text)[0] for number, text in enumerate(self.lists)]
        self.seals = self.sealed()

    def make(self, number: int, text: str, report: Report | None = None) -> tuple[str, str]:
        """Make the layer of a list in one cache; return its digest and how it was made."""
        return made(self.repository, self.site, self.layers[number], text, report)

    def sealed(self) -> list[str]:
        return [seal(one.tree(digest)) for one, digest in zip(self.layers, self.clean, strict=True)]

    def content(self, number: int, digest: str) -> dict[str, str]:
        return content(self.layers[number], digest)


@pytest.fixture(params=POOLS, scope="module")
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pair(family: str, base: Path, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    place = tmp_path_factory.mktemp("pool")
    check_isolation()
    POOLS[family].make(place)
    yield Pair(family, (place, base), site, tmp_path_factory.mktemp("layers"), SEED)


def changes_equal_clean_builds(pair: Pair) -> None:
    """Go from each clean layer to the other by way of random lists, and compare with the one that was built clean."""
    for here, there in ((0, 1), (1, 0)):
        for text in (*(pair.pool.random_list(pair.chance) for _ in range(STEPS)), pair.lists[there]):
            digest, how = pair.make(here, text)
            assert how.startswith("from layer ") or digest == pair.clean[here], (text, how)
        assert pair.content(here, digest) == pair.content(there, digest), pair.lists
    assert pair.sealed() == pair.seals


def test_random_changes_of_a_list_equal_clean_builds(pair: Pair) -> None:
    changes_equal_clean_builds(pair)


def test_what_scripts_made_before_the_newest_package_was_is_dated_as_if_they_had_run_now(pair: Pair) -> None:
    always = "".join(f"{name}\n" for name in pair.pool.always)
    layers, old = pair.layers[0], time.time() - 7200
    digest, _ = pair.make(0, always)
    users = layers.tree(digest) / "etc/passwd"
    alone = shutil.copy(users, users.with_name("alone"))
    os.utime(alone, (old, old))
    alone.replace(users)
    facts = {**layers.facts(digest), "seal": seal(layers.tree(digest))}
    (layers.root / digest / "layer.json").write_text(json.dumps(facts))
    changed, how = pair.make(0, f"{always}own-late\n")
    assert how.endswith(": + own-late")
    clean, _ = making(pair.repository, pair.site, pair.layers[1], f"{always}own-late\n", clean=True)
    os.close(clean.layers.make(changed, lambda tree: clean.make(tree, Recorder())))
    assert pair.content(0, changed) == pair.content(1, changed)


class Teller(Recorder):
    """A report that writes each line, and goes on when it is told to."""

    def log(self, line: str) -> None:
        print(line, flush=True)
        sys.stdin.readline()


def change_and_tell(family: str, place: str, base: str, site: str, layers: str, text: str) -> None:
    """Make the layer of a list in a process of its own."""
    with Site.open(Path(site)) as opened:
        how, digest = making(repository(family, Path(place), Path(base)), opened, Layers(Path(layers)), text)
        os.close(how.layers.make(digest, lambda tree: how.make(tree, Teller())))


def test_a_change_that_is_killed_leaves_the_old_layer_as_it_was_and_is_made_again(pair: Pair) -> None:
    layers, packages = pair.layers[0], pair.repository
    for other in {digest for digest, _ in layers.every()} - {pair.clean[0]}:
        layers.remove(other)
    text = pair.lists[1]
    arguments = [pair.family, packages.place, packages.base, pair.site.root, layers.root, text]
    argv = [sys.executable, "-c", CHANGE.format(path=sys.path), *arguments]
    for lines in (1, 3, 5):
        with subprocess.Popen(argv, stdin=PIPE, stdout=PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n" * (lines - 1))
            process.stdin.flush()
            said = [process.stdout.readline() for _ in range(lines)]
            process.kill()
        assert said[0].startswith("start from layer ") and said[-1], said
        assert pair.sealed() == pair.seals
        assert [digest for digest, _ in layers.every()] == [pair.clean[0]]
        assert str(layers.root) not in Path("/proc/self/mountinfo").read_text()
    both = [subprocess.Popen(argv, stdin=DEVNULL, stdout=PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert sorted(text.count("start from layer ") for text in said) == [0, 1], "the second finds what the first made"
    digest = next(digest for digest, _ in layers.every() if digest != pair.clean[0])
    assert pair.content(0, digest) == pair.content(1, digest)
    assert pair.sealed() == pair.seals
    assert [path.name for path in layers.root.glob(".new-*")] == []


def test_a_layer_that_was_damaged_is_not_started_from(pair: Pair) -> None:
    layers = Layers(pair.layers[0].root.with_name("damaged"))
    layers.root.mkdir()
    digest = pair.clean[0]
    pair.layers[0].root.joinpath(digest).rename(layers.root / digest)
    try:
        how, _ = making(pair.repository, pair.site, layers, pair.lists[1])
        assert how.foresee().startswith("from layer ")
        file = next(path for path in (layers.tree(digest) / "usr/share").glob("own-*/*") if path.is_file())
        text = file.read_text()
        file.write_text(text)
        assert how.foresee() == f"clean: layer {digest[:12]} is damaged"
        (layers.root / digest / "layer.json").write_text("{")
        assert how.foresee() == "clean: no layer is near"
    finally:
        layers.root.joinpath(digest).rename(pair.layers[0].root / digest)
