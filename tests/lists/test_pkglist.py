"""pkglist: what xCAT's parser reads, plus errors and warnings where it is silent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.lists import otherpkglist, pkglist
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
    with pytest.raises(ListFileError, match=r"/b:2: the file includes itself: a -> b -> a"):
        pkglist.load([write(tmp_path / "a", "#INCLUDE:b#\n")])


def test_one_file_may_be_included_twice(tmp_path: Path) -> None:
    write(tmp_path / "b", "x\n")
    assert pkglist.load([write(tmp_path / "a", "#INCLUDE:b#\n#INCLUDE:b#\n")]).packages == ("x",)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a\nvim # editor\n", 2, "not a package name"),
        ("a b\n", 1, "not a package name"),
        ("\n\n--\n", 3, "not a package name"),
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


def test_bytes_that_are_no_text_are_an_error_in_a_name_and_fine_in_a_comment(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"# r\xe9sum\xe9\nbash\nvim\xff\n")
    with pytest.raises(ListFileError, match=r"a:3: 'vim\\udcff' is not a package name"):
        pkglist.load([tmp_path / "a"])
    read = pkglist.read([tmp_path / "a"])
    assert len(read.diagnostics) == 1
    assert read.render().encode(errors="surrogateescape") == (tmp_path / "a").read_bytes()


def test_missing_list_says_what_xcat_says(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"The pkglist specified '.*/none' does not exist!"):
        pkglist.load([tmp_path / "none"])


@pytest.mark.parametrize(
    "line", ["#INCLUDE foo#", "#ENV:A=1", "# INCLUDE:a#", "#include:a#", "#new_install_list#", "#INCLUDE:a^b#"]
)
def test_lines_that_are_nearly_directives_warn(line: str) -> None:
    parsed = pkglist.parse(f"{line}\nbash\n", "x.pkglist")
    assert parsed.packages == ("bash",)
    assert parsed.warnings == (f"x.pkglist:1:1: warning: taken as a comment: {line}",)


@pytest.mark.parametrize("line", ["# include the tools of the site", "# new", "#", "# env and all"])
def test_prose_is_no_directive(line: str) -> None:
    assert pkglist.parse(line).diagnostics == ()


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("#INCLUD:a#", "1:1: warning: unknown directive, taken as a comment: #INCLUD:a#", "Write #INCLUDE:path#"),
        ("#FOO#", "1:1: warning: unknown directive", "Directives are #INCLUDE:path#"),
        (
            "a\n #NEW_INSTALL_LIST#\n",
            "2:2: error: because of the leading blank, xCAT takes this for the name",
            "Remove the blank.",
        ),
        (
            "a, -b",
            "1:4: error: because of the leading blank, xCAT takes this for the name of a package: -b",
            "Remove the blank.",
        ),
        ("a,  b", "1:5: info: xCAT keeps the blank before b", "Remove the blank."),
        ("own/b", "1:1: warning: the directory in own/b has no effect here: xCAT uses b", "otherpkglist"),
        ("a;b", "1:1: error: 'a;b' is not a package name", "a shell interprets"),
        ("\ufeffbash", "1:1: error: '\\ufeffbash' is not a package name", "a shell interprets"),
        ("a\nb,a", "2:3: info: a is already listed at pkglist:1", "Remove one of them."),
    ],
)
def test_what_xcat_misreads_is_said(text: str, says: str, remedy: str) -> None:
    (found,) = pkglist.parse(text).diagnostics
    assert str(found).startswith(f"pkglist:{says}")
    assert remedy in found.remedy


def test_what_stands_beside_an_include_is_glued_to_what_it_brings(tmp_path: Path) -> None:
    write(tmp_path / "b", "one\ntwo\n")
    read = pkglist.read([write(tmp_path / "a", "lib#INCLUDE:b#-dev\n")])
    assert read.packages == ("libone", "two-dev")
    read = pkglist.read([write(tmp_path / "a", "#INCLUDE:b# # all of them\n")])
    assert [str(one) for one in read.diagnostics] == [
        f"{tmp_path / 'b'}:2:1: error: 'two # all of them' is not a package name (included from {tmp_path / 'a'}:1)"
    ]


def test_a_directive_may_come_about_by_splicing(tmp_path: Path) -> None:
    write(tmp_path / "b", ":c#\n")
    write(tmp_path / "c", "found\n")
    assert pkglist.read([write(tmp_path / "a", "not-#INCLUDE#INCLUDE:b#\n")]).packages == ("not-found",)


def test_doubling_includes_end(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path / str(number), f"p{number}\n#INCLUDE:{number + 1}#\n#INCLUDE:{number + 1}#\n")
    write(tmp_path / "30", "last\n")
    with pytest.raises(ListFileError, match="more than 10000 includes"):
        pkglist.load([tmp_path / "0"])


def test_the_whole_trace_of_includes_is_told(tmp_path: Path) -> None:
    write(tmp_path / "c", "ok\n  a # b\n")
    write(tmp_path / "b", "\n#INCLUDE:c#\n")
    (found,) = pkglist.read([write(tmp_path / "a", "#INCLUDE:b#\n")]).diagnostics
    assert (found.file, found.line, found.column) == (str(tmp_path / "c"), 2, 3)
    assert found.trace == (f"{tmp_path}/b:2", f"{tmp_path}/a:1")


def test_removals_take_effect_in_an_otherpkglist() -> None:
    parsed = otherpkglist.parse("site/tools/ourtool\nbare\n-oldtool\n--left\n")
    assert parsed.diagnostics == ()
    assert [otherpkglist.placed(name) for name in parsed.packages] == [("site/tools", "ourtool"), (".", "bare")]
    (found,) = otherpkglist.parse("-site/oldtool\n").diagnostics
    assert "has no effect here: xCAT uses oldtool" in found.message


def test_environments_are_read_as_a_shell_would() -> None:
    (one,) = pkglist.parse("#ENV:A='x y' B=#\n#ENV:C=3# and so on\nbash\n").passes
    assert one.env == {"A": "x y", "B": "", "C": "3"}


NAMES = st.from_regex(r"@?[a-z0-9][a-z0-9+.:/=_~-]{0,12}", fullmatch=True)
ENVIRONMENTS = st.dictionaries(
    st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), st.from_regex(r"[\w:/.=-]{0,9}", fullmatch=True), max_size=2
)
UNIQUE = st.lists(NAMES, unique=True, max_size=5).map(tuple)
PASSES = st.builds(Pass, UNIQUE, UNIQUE, UNIQUE, ENVIRONMENTS).filter(lambda one: one != Pass())


@given(st.lists(PASSES, max_size=4).map(tuple))
def test_composed_lists_parse_to_the_same(passes: tuple[Pass, ...]) -> None:
    assert pkglist.parse(pkglist.compose(passes)) == Pkglist(passes)


@pytest.mark.parametrize("role", ["compute", "service"])
def test_shipped_lists_are_clean_and_say_who_reads_them(role: str) -> None:
    file = resources.templates() / "netboot" / "debian" / f"{role}.debian12.x86_64.pkglist"
    loaded = pkglist.load([file])
    assert file.read_text().startswith("# Read by ")
    assert loaded.warnings == ()
    assert not any(one.remove for one in loaded.passes)
    assert {"linux-image-amd64", "openssh-server", "rsyslog", "chrony", "nfs-common"} <= set(loaded.packages)
