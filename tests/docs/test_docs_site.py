"""The documentation as a site: whole, the same bytes every time, and readable without a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.cli.group import Verbs
from sbkernel.cli.main import VERB_GROUPS, VERBS
from sbkernel.docs import build as building
from sbkernel.docs import house, sources
from sbkernel.errors import BuildError, SbkernelError, ToolMissingError

ROOT = Verbs(VERB_GROUPS, name="sb")


def docs(output: Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "sbkernel.cli", "docs", "-o", str(output)]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(argv, capture_output=True, text=True, env=environment)


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("docs") / "site"
    done = docs(output)
    assert done.returncode == 0, done.stderr
    return output


def test_there_is_a_page_for_each_verb_and_each_written_page(site: Path) -> None:
    names = {name.removesuffix(".md") for name in sources.written()} | {f"verbs/{verb}" for verb in VERBS}
    assert {name for name in names if not (site / f"{name}.html").is_file()} == set()
    assert list(site.parent.iterdir()) == [site], "nothing is left beside it"


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(
        r"""(?:src|srcset|action)=["'](?:https?:)?//|<link[^>]+href=["'](?:https?:)?//|@import|url\(["']?http"""
    )
    texts = {name: data.decode() for name, data in content(site).items() if name.endswith((".html", ".css"))}
    assert [name for name, text in texts.items() if fetched.search(text)] == []
    assert (site / "searchindex.js").stat().st_size > 10_000


def test_a_second_build_replaces_the_first_by_the_same_bytes(site: Path) -> None:
    before = content(site)
    (site / "stale.html").write_text("of an older version")
    assert docs(site, seed="1").returncode == 0
    assert content(site) == before


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return sources.pages(ROOT, VERB_GROUPS)


def test_a_page_of_a_verb_says_what_its_help_says_and_where_it_is_used(pages: dict[str, str]) -> None:
    page = pages["verbs/nodeset.md"]
    for part in ("# sb nodeset", "--override-hold", "**Examples**", "## Coming from xCAT", "(../boot.md)"):
        assert part in page


def test_verbs_in_a_text_are_links_but_not_in_blocks(pages: dict[str, str]) -> None:
    made = pages["versions.md"]
    assert "[`sb nodeset`](verbs/nodeset.md)" in made
    assert "```sh\nsb promote mine\n" in made


def test_the_house_has_all_rooms() -> None:
    rooms = {path.name.removesuffix(".py") for path in house.PACKAGE.iterdir() if path.suffix in ("", ".py")}
    rooms -= {"__init__", "__main__", "__pycache__", "bootstrap", "py.typed", "_templates", "_notebooks"}
    assert {one.path.removesuffix("/").removesuffix(".py") for one in house.rooms()} == {
        name for name in rooms if not name.startswith(".")
    }
    assert all(one.about for one in (*house.rooms(), *house.folders()))
    assert house.picture().count("<rect") == len(house.ROOMS)


def only_page(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"index.md": f"# Index\n\n{text}\n"}
    monkeypatch.setattr(building, "pages", lambda *_words: pages)


def test_a_link_to_nowhere_is_an_error_that_names_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "site"
    output.mkdir()
    only_page("[gone](gone.md)", monkeypatch)
    with pytest.raises(BuildError, match=r"(?s)was not built:.*index\.md:3.*gone"):
        building.build(output, ROOT, VERB_GROUPS)
    assert list(tmp_path.iterdir()) == [output] and list(output.iterdir()) == []


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(SbkernelError, match="holds something else"):
        building.build(tmp_path, ROOT, VERB_GROUPS)
    with pytest.raises(SbkernelError, match="is no directory"):
        building.build(tmp_path / "thesis.tex", ROOT, VERB_GROUPS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_without_sphinx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "find_spec", lambda _name: None)
    with pytest.raises(ToolMissingError, match="not installed"):
        building.build(tmp_path / "site", ROOT, VERB_GROUPS)
    assert list(tmp_path.iterdir()) == []


def test_it_may_be_the_directory_where_one_is_and_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    only_page("All is well.", monkeypatch)
    assert building.build(tmp_path / "link", ROOT, VERB_GROUPS) == 1
    monkeypatch.chdir(tmp_path / "real")
    assert building.build(Path(), ROOT, VERB_GROUPS) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real/index.html").is_file()
