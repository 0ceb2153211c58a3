"""The views of packages: what they say of real images, and that a record keeps them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packedtwice import pack_twice

from sbkernel import workbench as wb
from sbkernel.errors import NotFoundError, PolicyError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.growth import growth
from sbkernel.site import Site
from sbkernel.workbench.images.comparison import choices
from sbkernel.workbench.images.squarified import HEIGHT, WIDTH, Block, Box, draw, group, layout


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        pack_twice(opened, tmp_path)
        yield opened


def survives(html: object) -> bool:
    """Tell whether JupyterLab keeps all of it in a record that it does not trust."""
    return not re.search(r"<(style|script|svg|img|link)|class=|https?:", str(html))


def test_the_chooser_compares_and_its_table_follows(site: Site) -> None:
    chosen = wb.DiffChooser(site, "", "img")
    table = wb.DiffTable(chosen)
    assert chosen.words == ("image:img@previous", "img")
    assert chosen.text() == chosen.value.summary
    assert chosen.about()["diff"]["counts"] == {"removed": 1, "replaced": 1, "added": 1, "updated": 1}
    assert "4 rows" in table.html() and "libssl1.1 → libssl3" in table.html()
    table.filter("SSL")
    assert "1 of 4 rows" in table.html()
    assert table.text().splitlines()[-1].startswith("replaced  libssl1.1 -> libssl3")
    table.filter(kind="attention")
    assert [row.name for row in table.value] == ["libssl3", "slurmd"]
    table.filter("none")
    assert table.text() == "no rows"
    chosen.choose("img", "img")
    assert "0 rows" in table.html()
    chosen.choose("img", "none")
    assert "none is no osimage, node or file" in chosen.html()
    assert all(survives(shown.html()) for shown in (chosen, table))


def test_what_a_list_does_not_weigh_has_a_size_where_only_the_image_has_it(site: Site) -> None:
    found = wb.diff(site, "pkglist:img", "img")
    columns = re.findall(r"<th [^>]*>([^<]*)", wb.DiffTable(found).html())
    rows = [re.findall(r"<td.*?</td>", row) for row in re.findall(r"<tr>.*?</tr>", wb.DiffTable(found).html())[1:]]
    assert "" not in columns and all(len(row) == len(columns) for row in rows)
    shown = {row[columns.index("package")]: row[columns.index("size")] for row in rows}
    sizes = {re.sub("<[^>]*>", "", name): re.sub("<[^>]*>", "", size) for name, size in shown.items()}
    assert sizes == {"libssl3": "+6.1 MB", "slurmd": "+921.6 kB", "vim": ""}
    assert "+6.1 MB" in wb.DiffTable(found).text()


def test_headless_what_is_wrong_raises_and_live_it_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError):
        wb.DiffChooser(site, "none", "img")
    monkeypatch.setenv("SBK_HEADLESS", "0")
    chosen = wb.DiffChooser(site, "none", "img")
    assert "none is no osimage" in chosen.text()
    box, shown = chosen._widget.children
    box.children[0].value = "img@previous"
    assert (chosen.problem, len(chosen.value)) == ("", 4)
    assert "libssl3" in shown.value
    box.children[1].click()
    assert chosen.words == ("img", "img@previous")
    assert chosen.value.counts["downgraded"] == 1
    table = wb.DiffTable(chosen)
    text, kind = table._widget.children[0].children
    text.value, kind.value = "bash", "downgraded"
    assert "1 of 4 rows" in table._shown.value
    box.children[0].value = "img@previous"
    assert "0 rows" in table._shown.value


def test_what_the_fields_offer(site: Site) -> None:
    site.set("node", "n1", groups="all")
    digests = [entry.digest[:8] for entry in Catalog(site).history("img")]
    assert [word for word in choices(site) if not word.startswith(("debian", "resolve:debian"))] == [
        "img", "img@previous", *(f"img@{digest}" for digest in digests), "resolve:img", "n1",
    ]  # fmt: skip


def test_a_policy_guards(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = wb.diff(site, "img@previous", "img")
    assert wb.guard(found, "") is None
    (tmp_path / "p.yaml").write_text("removed: forbid\n")
    with pytest.raises(PolicyError, match=r"removed: forbid: 1 package\n +old 1"):
        wb.guard(found, tmp_path / "p.yaml")
    assert "breaks the policy" in capsys.readouterr().out, "it is shown before it raises"
    (tmp_path / "p.yaml").write_text("updated: allow\n")
    verdict = wb.guard(found, tmp_path / "p.yaml")
    assert verdict and verdict.allowed


def test_many_side_by_side(site: Site) -> None:
    assert len(wb.matrix(site, "img", "img@previous", "img")) == 5


def test_where_the_bytes_are(site: Site, tmp_path: Path) -> None:
    by_package = wb.treemap(wb.diff(site, "img", "img").b)
    assert by_package.text.splitlines()[1:3] == ["     7.3 MB  bash", "     6.1 MB  libssl3"]
    packed, tree = (wb.directories(site, word) for word in ("img", str(tmp_path / "built/rootimg")))
    said = [one.text.partition(": ")[2] for one in (packed, tree)]
    assert "in files, after the exlist\n" in said[0] and said[0] == said[1].replace("before", "after", 1)
    assert "14.3 MB installed, before the exlist" in by_package.text
    assert "200.0 kB  /usr/lib" in packed.text
    assert "has no files here" in wb.directories(site, "pkglist:img").text
    assert all(survives(shown.html) for shown in (by_package, packed, tree))


def test_pictures_follow_the_chooser(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = wb.DiffChooser(site, "img@previous", "img")
    shown = [wb.treemap(chosen), wb.directories(site, chosen), wb.growth(site, chosen)]
    assert ["3 packages" in shown[0].text(), "200.0 kB" in shown[1].text(), "2 versions" in shown[2].text()] == [
        True
    ] * 3
    chosen.choose("img", "pkglist:img")
    assert "2 packages, 0 B" in shown[0].html()
    assert "pkglist:img has no files here" in shown[1].html()
    assert "pkglist:img has no versions" in shown[2].html()
    with pytest.raises(NotFoundError):
        chosen.choose("img", "none")
    monkeypatch.setenv("SBK_HEADLESS", "0")
    chosen.choose("img", "none")
    assert "none is no osimage" in shown[1].html()


def test_growth_over_the_versions_of_the_catalog(site: Site, tmp_path: Path) -> None:
    shown = wb.growth(site, "img")
    digest = Catalog(site).current("img").digest
    last = shown.text.splitlines()[-1]
    assert last.startswith(digest[:8]) and "openssl, slurm moved; 1 added, 1 updated" in last
    assert digest[:8] in shown.html and survives(shown.html)
    assert all(word in shown.html for word in ("installed, before the exlist", "packed, after it"))
    found = growth(site, "img")
    assert found.df["changes"].tolist() == [0, 4]
    assert found.df["installed"].tolist() == [11090 * 1024, 14000 * 1024]
    Catalog(site).rollback("img")
    assert len(growth(site, "img").stages) == 2, "a version that is published again is one stage"
    assert "has no versions in the catalog" in wb.growth(site, str(tmp_path / "built/rootimg")).text


@given(st.lists(st.integers(0, 10**9), max_size=60))
def test_a_treemap_is_true_to_the_sizes(sizes: list[int]) -> None:
    blocks = [Block(str(number), one) for number, one in enumerate(sizes)]
    placed = list(layout(blocks, Box(0, 0, WIDTH, HEIGHT)))
    total = sum(sizes)
    assert sorted(block.name for block, _ in placed) == sorted(block.name for block in blocks if block.size)
    for block, box in placed:
        assert box.width * box.height == pytest.approx(block.size / total * WIDTH * HEIGHT, rel=1e-6, abs=1e-6)
        assert box.x >= -1e-6 and box.x + box.width <= WIDTH + 1e-6
        assert box.y >= -1e-6 and box.y + box.height <= HEIGHT + 1e-6
    assert survives(draw([group("<all>", blocks)]))


def test_no_module_hides_a_function_of_its_name() -> None:
    assert [name for name in wb.__all__ if not callable(getattr(wb, name))] == []
