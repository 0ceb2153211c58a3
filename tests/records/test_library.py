"""Working copies follow the shipped notebooks until somebody changes them."""

import itertools
import json
from pathlib import Path

import pytest

from sbkernel import resources
from sbkernel.errors import NotFoundError
from sbkernel.records import library
from sbkernel.site import Site


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shipped notebooks that a test may change, as a new release would."""
    directory = tmp_path / "shipped"
    directory.mkdir()
    monkeypatch.setattr(resources, "notebooks", lambda: directory)
    write(directory / "build.ipynb", "1")
    return directory


def write(path: Path, source: str, outputs: int = 0) -> None:
    cell = {"cell_type": "code", "source": [source], "outputs": [{}] * outputs, "metadata": {"trusted": True}}
    path.write_text(json.dumps({"cells": [cell]}))


def source(path: Path) -> str:
    return "".join(json.loads(path.read_text())["cells"][0]["source"])


def test_a_new_site_gets_copies_and_a_second_time_nothing(site: Site, shipped: Path) -> None:
    assert library.refresh(site) == {"build.ipynb": "new"}
    assert library.refresh(site) == {"build.ipynb": "current"}


def test_pages_are_copied_too_and_cannot_be_run(site: Site, shipped: Path) -> None:
    (shipped / "coming.md").write_text("# Coming")
    assert library.refresh(site) == {"build.ipynb": "new", "coming.md": "new"}
    assert (library.working_directory(site) / "coming.md").read_text() == "# Coming"
    assert [path.stem for path in library.notebooks(site)] == ["build"]


def test_the_documentation_lies_in_its_directory(site: Site, shipped: Path) -> None:
    (shipped / "docs").mkdir()
    (shipped / "docs/start.md").write_text("# Start")
    assert library.refresh(site)["docs/start.md"] == "new"
    copy = library.working_directory(site) / "docs/start.md"
    assert copy.read_text() == "# Start"
    (shipped / "docs/start.md").write_text("# Start here")
    assert library.refresh(site)["docs/start.md"] == "updated"
    copy.write_text("my notes")
    assert library.refresh(site)["docs/start.md"] == "changed"
    assert copy.read_text() == "my notes"


def test_a_copy_that_was_only_run_follows_a_new_release(site: Site, shipped: Path) -> None:
    library.refresh(site)
    copy = library.working_directory(site) / "build.ipynb"
    write(copy, "1", outputs=2)
    assert library.refresh(site) == {"build.ipynb": "current"}
    write(shipped / "build.ipynb", "2")
    assert library.refresh(site) == {"build.ipynb": "updated"}
    assert source(copy) == "2"


def test_a_copy_that_was_changed_is_kept(site: Site, shipped: Path) -> None:
    library.refresh(site)
    copy = library.working_directory(site) / "build.ipynb"
    write(copy, "mine")
    write(shipped / "build.ipynb", "2")
    assert library.refresh(site) == {"build.ipynb": "changed"}
    assert source(copy) == "mine"


def test_a_notebook_that_was_there_before_is_kept(site: Site, shipped: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    write(theirs / "build.ipynb", "theirs")
    assert library.refresh(site, theirs) == {"build.ipynb": "changed"}
    assert source(theirs / "build.ipynb") == "theirs"


def test_a_copy_that_was_broken_is_kept(site: Site, shipped: Path) -> None:
    library.refresh(site)
    copy = library.working_directory(site) / "build.ipynb"
    copy.write_text("{ not json")
    assert library.refresh(site) == {"build.ipynb": "changed"}
    assert copy.read_text() == "{ not json"


def test_templates_come_in_the_order_of_the_work_with_their_titles() -> None:
    listed = [one.as_dict() for one in library.templates()]
    assert [one["name"] for one in listed][:4] == ["start-here", "define", "build", "boot"]
    assert listed[2] == {"name": "build", "label": "Build", "title": "Build and pack an image"}
    assert all(one["title"] for one in listed)
    assert list(itertools.islice(library.copy_names("build"), 3)) == ["build.ipynb", "build-2.ipynb", "build-3.ipynb"]


def test_a_working_copy_stands_for_the_shipped_one(site: Site, shipped: Path) -> None:
    assert library.find(site, "build") == shipped / "build.ipynb"
    library.refresh(site)
    assert library.find(site, "build.ipynb") == library.working_directory(site) / "build.ipynb"
    assert library.find(site, shipped / "build.ipynb") == shipped / "build.ipynb"


def test_an_unknown_notebook_is_refused_with_those_near(site: Site, shipped: Path) -> None:
    with pytest.raises(NotFoundError, match="no notebook 'biuld'") as caught:
        library.find(site, "biuld")
    assert caught.value.hint == "Did you mean build?"
