"""Every parser takes every text: nothing is raised, every byte comes back, every remark has a place and a remedy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.lists import exlist, fstab, otherpkglist, pkglist, synclist
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.kinds import LIST_ATTRIBUTES
from sbkernel.lists.lint import lint
from sbkernel.lists.text import decoded, encoded
from sbkernel.site import Site

PARSERS: dict[str, Callable[[str], Any]] = {
    "pkglist": pkglist.parse,
    "otherpkglist": otherpkglist.parse,
    "exlist": exlist.parse,
    "synclist": synclist.parse,
    "fstab": fstab.parse,
}
TOKENS = (
    "#", "#INCLUDE:a#", "#INCLUDE:", "#INCLUDE:\0#", "#INCLUDE:loop#",
    "#NEW_INSTALL_LIST#", "#ENV:A=1#", "#ENV:", "^", ",", "-", "--", "+", "@", "/",
    "./", "*", "[", "]", "{a,b}", "'", '"', "\\", "$X", "${X}", " -> ", "->", "(", ")", ";", "EXECUTE:",
    "EXECUTEALWAYS:", "APPEND:", "MERGE:", "/etc/passwd", ".post", "\\040", "0", "none", "swap", " ", "\t",
    "\r", "\n", "\n\n", "\f", "\0", "\x1b", "\u00e9", "\udcff", "\ufeff", "bash", "x",
    "/" + "x" * 300 + " -> /y",
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(TOKENS), max_size=30).map("".join))


def check(name: str, text: str) -> None:
    """Parse a text, and hold the parser to what it promises."""
    parsed = PARSERS[name](text)
    assert parsed.render() == text
    for one in parsed.diagnostics:
        check_place(one, text)
    again = PARSERS[name](parsed.render())
    assert again == parsed and again.diagnostics == parsed.diagnostics


def check_place(one: Diagnostic, text: str) -> None:
    lines = text.split("\n")
    assert 1 <= one.line <= len(lines)
    assert 1 <= one.column <= len(lines[one.line - 1]) + 1
    assert one.remedy or one.severity == "info"
    assert str(one).isprintable(), repr(str(one))


@pytest.mark.parametrize("name", PARSERS)
@given(text=TEXTS)
def test_any_text(name: str, text: str) -> None:
    check(name, text)


@pytest.mark.parametrize("path", ["\0", "loop", "x" * 5000, "/" + "x/" * 3000, "."])
def test_includes_that_no_file_can_be(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "a").write_text(f"bash\n#INCLUDE:{path}#\n")
    for module in (pkglist, exlist):
        errors = [one for one in module.read([tmp_path / "a"]).diagnostics if one.severity == "error"]
        assert [one.line for one in errors] == [2]


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert encoded(decoded(data)) == data


@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_any_three_files_that_include_each_other(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    directory = tmp_path_factory.mktemp("lists")
    files = [directory / name for name in "abc"]
    (directory / "loop").symlink_to("loop")
    for file, following, text in zip(files, "bca", texts, strict=True):
        whole = text.replace("INCLUDE:a", f"INCLUDE:{following}")
        file.write_bytes(encoded(whole) if _plain(whole) else b"#INCLUDE:a#")
    for module in (pkglist, exlist):
        read = module.read([files[0]])
        assert read.render() == decoded(files[0].read_bytes())
        assert all(str(one).isprintable() for one in read.diagnostics)
        elsewhere = {one.file for one in read.diagnostics if Path(one.file).parent != directory}
        assert all(any(f"INCLUDE:{file}" in text for text in texts) for file in elsewhere)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("linted") / "site") as opened:
        files = {attribute: str(opened.root / attribute) for attribute in (*LIST_ATTRIBUTES, "postinstall")}
        for image, osvers in (("deb", "debian12"), ("el", "rhels9")):
            opened.set("osimage", image, osvers=osvers, imagetype="linux", osarch="x86_64", **files)
        yield opened


@given(st.lists(TEXTS.filter(lambda text: _plain(text)), min_size=5, max_size=5))
def test_any_lists_of_an_image_are_linted(site: Site, texts: list[str]) -> None:
    for attribute, text in zip((*LIST_ATTRIBUTES, "postinstall"), texts, strict=True):
        (site.root / attribute).write_bytes(encoded(text))
    for image in ("deb", "el"):
        assert all(str(one).isprintable() for one in lint(site, image))


def _plain(text: str) -> bool:
    try:
        encoded(text)
    except UnicodeEncodeError:
        return False
    return True
