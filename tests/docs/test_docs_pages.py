"""Every command that the pages and the README show is right: it was run as it stands there, or read by its parser."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import KERNELS, index, make_deb, make_repository, pkgdir
from docblocks import Block, blocks, inline
from docparse import check, check_inline
from docrun import Desk, desk, run

from sbkernel.cli.group import Verbs
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.docs import sources

README = Path(__file__).parents[2] / "README.md"
IMAGE = "debian12-x86_64-netboot-compute"
WITH_AN_IMAGE = (
    "packages", "versions", "boot", "transfer", "elsewhere", "capture", "rollout", "update", "sign", "build",
    "testboot", "reproduce",
)  # fmt: skip
"""Pages whose reader has an image `mine`, packed twice; those that build come last."""


def _turn(name: str) -> int:
    return WITH_AN_IMAGE.index(name) if name in WITH_AN_IMAGE else -1


PAGES = {**sources.written(), "README.md": README.read_text()}
RUN = {name for name, text in PAGES.items() if any(one.mode == "run" for one in blocks(name, text))}
ORDER = sorted(RUN, key=lambda name: (_turn(name.removesuffix(".md")), name))
_PUT_BACK = ("site.db*", "install/custom", "catalog", "boot", "keys", "records")
"""What each page finds as it was. Trees and the cache stay: removing thousands of files takes longer than a page."""


@pytest.fixture(scope="module")
def with_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with an image of few packages, and a copy of it beside, so that every page finds it as it was."""
    place, debs = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("debs")
    make_repository(debs)
    for name in ("tmux", "htop"):  # newer than Debian's, and quick to install
        make_deb(debs, name, {f"usr/bin/{name}": "#!/bin/sh\n"}, Version="99")
    index(debs)
    pkglist = debs / "small.pkglist"
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    with desk(place) as one:
        for line in (
            f"sb chdef -t osimage {IMAGE} pkgdir='{pkgdir(debs)}' pkglist={pkglist}",
            f"sb clone {IMAGE} mine", "sb genimage mine", "sb packimage mine",
            "sb pkg mine add own-later", "sb genimage mine", "sb packimage mine",
        ):  # fmt: skip
            done = one.call("sh", "-c", line)
            assert done.returncode == 0, done.stdout
        _copy(one.site, place / "kept")
        assert {"catalog", "install", "site.db"} <= {path.name for path in (place / "kept").iterdir()}
        yield one


@pytest.fixture
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """The desk of a page, by its name."""
    if request.param.removesuffix(".md") not in WITH_AN_IMAGE:
        with desk(tmp_path) as one:
            yield one
        return
    one = request.getfixturevalue("with_image")
    yield one
    one.stop()
    shutil.rmtree(one.work)
    one.work.mkdir()
    for path in _chosen(one.site):
        subprocess.run(["rm", "-r", path], check=True)
    _copy(one.home.with_name("kept"), one.site)


def _chosen(site: Path) -> list[Path]:
    return [path for pattern in _PUT_BACK for path in site.glob(pattern)]


def _copy(site: Path, to: Path) -> None:
    for path in _chosen(site):
        place = to / path.relative_to(site)
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", path, place], check=True)


@pytest.mark.parametrize(("at", "name"), [(name, name) for name in ORDER], indirect=["at"], ids=ORDER)
def test_the_commands_of_a_page_do_what_it_says(at: Desk, name: str) -> None:
    run(at, blocks(name, PAGES[name]))


@pytest.mark.parametrize("name", sorted(PAGES.keys() - RUN))
def test_the_commands_of_a_page_are_valid(name: str) -> None:
    for block in blocks(name, PAGES[name]):
        check(block)


def test_verbs_within_the_text_are_there_with_their_options() -> None:
    for page, text in PAGES.items():
        for one in inline(page, text):
            check_inline(one)


def test_the_examples_of_the_verbs_are_valid() -> None:
    made = sources.pages(Verbs(VERB_GROUPS, name="sb"), VERB_GROUPS)
    examples = [one for name, text in made.items() if name.startswith("verbs/") for one in blocks(name, text)]
    assert len(examples) > 50
    for one in examples:
        check(Block(one.page, one.line, one.language, "parse", one.text))
