"""The gallery: whole, safe to show, made again only where something is new, and honest about what it holds."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from keptrecords import record
from nbformat.v4 import new_code_cell, new_notebook, new_output

from sbkernel.errors import RecordError
from sbkernel.records import export
from sbkernel.records.kept.gallery import LIST, Gallery, gallery
from sbkernel.records.kept.gallery import export as export_page
from sbkernel.records.kept.listing import records
from sbkernel.site import Site

EVIL = '</script><script>alert(1)</script><img src="http://example.org/x">'


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts.append(data)


def make(site: Site, directory: Path) -> Gallery:
    return gallery(records(site), directory)


def data_of(directory: Path) -> list[dict[str, object]]:
    return list(json.loads(Elements((directory / "index.html").read_text()).scripts[0]))


def test_only_new_pages_are_made_and_pages_of_records_that_are_gone_are_removed(site: Site, tmp_path: Path) -> None:
    paths = [record(site, hours=hours) for hours in range(3)]
    to = tmp_path / "a gallery"
    assert (make(site, to).made, make(site, to).unchanged) == (3, 3)
    index = (to / "index.html").stat()
    make(site, to)
    assert (to / "index.html").stat().st_mtime_ns == index.st_mtime_ns, "an unchanged site changes nothing"
    record(site, "boot", hours=9, status="failed")
    paths[0].unlink()
    page = to / paths[1].relative_to(site.records).with_suffix(".html")
    page.unlink()
    done = make(site, to)
    assert (done.made, done.unchanged, done.removed) == (2, 1, 1)
    assert page.exists() and "2 pages made" in str(done)
    assert all((to / str(row["href"])).is_file() for row in data_of(to))


def test_a_directory_with_other_things_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(RecordError, match="holds other things"):
        make(site, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["index.html"]


def test_what_its_list_says_is_not_believed(site: Site, tmp_path: Path) -> None:
    record(site)
    to = tmp_path / "gallery"
    make(site, to)
    outside = tmp_path / "outside.html"
    outside.write_text("stays")
    (to / LIST).write_text(json.dumps({"pages": {"../outside.html": "x", str(outside): "y"}}))
    assert make(site, to).made == 1 and outside.exists()
    (to / LIST).write_text("{")
    assert make(site, to).made == 1


def test_nothing_in_a_record_is_markup_or_loads_anything(site: Site, tmp_path: Path) -> None:
    record(site, EVIL, EVIL, who=EVIL, given={EVIL: EVIL}, text=EVIL, page=False)
    done = make(site, tmp_path / "g")
    index = done.index.read_text()
    found = Elements(index)
    assert [tag for tag, _ in found.found].count("script") == 2 and "img" not in [tag for tag, _ in found.found]
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", index) and "default-src 'none'" in index
    assert data_of(tmp_path / "g")[0]["who"] == EVIL
    (page,) = (tmp_path / "g").rglob("2026*.html")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:\"" in page.read_text(), "no script may run"


def test_a_secret_of_today_is_in_no_page_of_yesterday(site: Site, tmp_path: Path) -> None:
    record(site, given={"word": "hunter2&more"}, text="it is hunter2&amp;more")
    record(site, hours=1, given={"word": "hunter2&more"}, text="it is hunter2&more", page=False)
    assert "hunter2" in str(records(site).rows), "it was no secret then"
    assert make(site, tmp_path / "g").made == 2
    site.set("passwd", "ipmi", username="root", password="hunter2&more")
    assert make(site, tmp_path / "g").made == 2, "pages from before are made again"
    assert make(site, tmp_path / "g").made == 0
    for name in ("one.html", "one.ipynb"):
        export_page(records(site), records(site).rows[0], tmp_path / name)
    files = [*(tmp_path / "g").rglob("*"), *tmp_path.glob("one.*")]
    assert len([file for file in files if file.is_file()]) >= 6
    assert not [file for file in files if file.is_file() and b"hunter2" in file.read_bytes()]


def test_a_page_stays_under_a_megabyte(site: Site, tmp_path: Path) -> None:
    path = record(site, page=False)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [
        new_output("stream", text="<&>" * 700_000),
        new_output("display_data", {"text/html": f"<b>{'x' * 900_000}</b>", "text/plain": "in short"}),
        new_output("error", ename="E", evalue="e", traceback=["t" * 400_000]),
        new_output("display_data", {"text/html": "<b>small</b>", "text/plain": "small"}),
    ]
    nbformat.write(notebook, path)
    done = make(site, tmp_path / "g")
    page = (tmp_path / "g" / path.relative_to(site.records)).with_suffix(".html").read_text()
    assert len(page.encode()) < 1_000_000 and done.made == 1
    assert page.count("left out of this page") == 3 and "in short" in page and "<b>small</b>" in page
    assert len(path.read_text()) > 2_000_000, "the record has all of it"
    many = new_notebook(cells=[new_code_cell("1", outputs=[new_output("stream", text="<" * 5000)]) for _ in range(70)])
    assert len(export.page(many).encode()) < 1_000_000


def test_a_record_of_which_no_page_can_be_made_keeps_out_no_other(site: Site, tmp_path: Path) -> None:
    record(site)
    odd = record(site, "odd", hours=1, page=False)
    odd.write_text(odd.read_text().replace('"duration": 12.5', '"duration": "long"'))
    done = make(site, tmp_path / "g")
    assert (done.made, done.failed) == (1, (odd.stem,)) and "no page can be made of" in str(done)
    assert [bool(row["href"]) for row in data_of(tmp_path / "g")] == [False, True]


def test_running_and_damaged_records_have_no_page(site: Site, tmp_path: Path) -> None:
    record(site).write_text("{")
    record(site, hours=1, status="running", page=False)
    done = make(site, tmp_path / "g")
    assert done.made == 1
    assert [(row["status"], bool(row["href"])) for row in data_of(tmp_path / "g")] == [
        ("interrupted", True), ("damaged", False),
    ]  # fmt: skip
    assert export_page(records(site), records(site).rows[0], tmp_path).name.endswith("-running.html")
