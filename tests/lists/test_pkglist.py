"""pkglist: what xCAT's parser reads, plus errors and warnings where it is silent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.lists import pkglist
from sbkernel.lists.pkglist import Pass, Pkglist

EXAMPLE = """\
#INCLUDE:base/common.pkglist#
@development-tools
vim-enhanced,tmux
#NEW_INSTALL_LIST#
#ENV:http_proxy=http://10.0.0.1:3128#
site/tools/ourtool
-oldtool
--debug-leftover
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_reference_example(tmp_path: Path) -> None:
    write(tmp_path / "base" / "common.pkglist", "bash\nchrony\nbash\n")
    loaded = pkglist.load([write(tmp_path / "lab.pkglist", EXAMPLE)])
    assert loaded.passes == (
        Pass(("bash", "chrony", "@development-tools", "vim-enhanced", "tmux")),
        Pass(
            ("site/tools/ourtool",), ("oldtool",), ("debug-leftover",), {"http_proxy": "http://10.0.0.1:3128"}
        ),
    )  # fmt: skip
    assert loaded.packages == ("bash", "chrony", "@development-tools", "vim-enhanced", "tmux", "site/tools/ourtool")


def test_passes_of_several_files_run_together(tmp_path: Path) -> None:
    one = write(tmp_path / "one", "a\n#NEW_INSTALL_LIST#\nb\n")
    two = write(tmp_path / "two", "c\n#NEW_INSTALL_LIST#\nd\n")
    assert [p.packages for p in pkglist.load([one, two]).passes] == [("a", "c"), ("b", "d")]


def test_includes_are_relative_to_the_top_file_and_expand_variables(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LISTS", str(tmp_path / "other"))
    write(tmp_path / "sub" / "a.pkglist", "#INCLUDE:b.pkglist#\n#INCLUDE:${LISTS}/c.pkglist#\n")
    write(tmp_path / "b.pkglist", "b\n")
    write(tmp_path / "other" / "c.pkglist", "c\n")
    top = write(tmp_path / "top.pkglist", "#INCLUDE:sub/a.pkglist#\n")
    assert pkglist.load([top]).packages == ("b", "c")


def test_circle_is_an_error_at_its_line(tmp_path: Path) -> None:
    write(tmp_path / "b", "x\n#INCLUDE:a#\n")
    with pytest.raises(ListFileError, match=r"/b:2: .*circle: a -> b -> a"):
        pkglist.load([write(tmp_path / "a", "#INCLUDE:b#\n")])


def test_one_file_may_be_included_twice(tmp_path: Path) -> None:
    write(tmp_path / "b", "x\n")
    assert pkglist.load([write(tmp_path / "a", "#INCLUDE:b#\n#INCLUDE:b#\n")]).packages == ("x",)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a\nvim # editor\n", 2, "no package name"),
        ("a b\n", 1, "no package name"),
        ("\n\n--\n", 3, "no package name"),
        ("#ENV:A=1,B=2#\n", 1, "comma"),
        ("#ENV:nothing#\n", 1, "NAME=value"),
        ("#INCLUDE:missing#\n", 1, "Unable to open"),
        ("#INCLUDE:$SB_NOT_SET/x#\n", 1, "SB_NOT_SET"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, where: int, says: str) -> None:
    file = write(tmp_path / "a.pkglist", text)
    with pytest.raises(ListFileError, match=says) as caught:
        pkglist.load([file])
    assert str(caught.value).startswith(f"{file}:{where}: ")
    assert caught.value.hint


def test_bytes_that_are_no_text_are_an_error_at_their_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bash\nvim\xff\n")
    with pytest.raises(ListFileError, match=r"a:2: .*UTF-8"):
        pkglist.load([tmp_path / "a"])


def test_missing_list_says_what_xcat_says(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"The pkglist specified '.*/none' does not exist!"):
        pkglist.load([tmp_path / "none"])


@pytest.mark.parametrize("line", ["#INCLUDE foo#", " #NEW_INSTALL_LIST#", "#ENV:A=1", "# INCLUDE:a#"])
def test_lines_that_are_nearly_directives_warn(line: str) -> None:
    parsed = pkglist.parse(f"{line}\nbash\n", "x.pkglist")
    assert parsed.packages == ("bash",)
    assert parsed.warnings == (f"x.pkglist:1: taken as a comment: {line.strip()}",)


NAMES = st.from_regex(r"@?[a-z0-9][a-z0-9+.:/=_~-]{0,12}", fullmatch=True)
ENVIRONMENTS = st.dictionaries(
    st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), st.from_regex(r"[\w:/.=-]{0,9}", fullmatch=True), max_size=2
)
UNIQUE = st.lists(NAMES, unique=True, max_size=5).map(tuple)
PASSES = st.builds(Pass, UNIQUE, UNIQUE, UNIQUE, ENVIRONMENTS).filter(lambda one: one != Pass())


@given(st.lists(PASSES, max_size=4).map(tuple))
def test_rendered_lists_parse_to_the_same(passes: tuple[Pass, ...]) -> None:
    assert pkglist.parse(pkglist.render(Pkglist(passes))).passes == passes


@given(st.text())
def test_any_text_parses_or_names_its_line(text: str) -> None:
    try:
        parsed = pkglist.parse(text, "any")
    except ListFileError as error:
        assert 1 <= error.line <= text.count("\n") + 1
    else:
        assert all("," not in name and name.strip() == name for name in parsed.packages)


@pytest.mark.parametrize("role", ["compute", "service"])
def test_shipped_lists_are_clean_and_say_who_reads_them(role: str) -> None:
    file = resources.templates() / "netboot" / "debian" / f"{role}.debian12.x86_64.pkglist"
    loaded = pkglist.load([file])
    assert file.read_text().startswith("# Read by ")
    assert loaded.warnings == ()
    assert not any(one.remove for one in loaded.passes)
    assert {"linux-image-amd64", "openssh-server", "rsyslog", "chrony", "nfs-common"} <= set(loaded.packages)
