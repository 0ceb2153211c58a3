"""exlist: patterns as find -path matches them; includes win."""

import fnmatch
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.images.pack.exclusion import Exclusion
from sbkernel.lists import exlist
from sbkernel.lists.exlist import Exlist


def test_excludes_includes_and_comments() -> None:
    parsed = exlist.parse("./boot*   # kernel\n-./usr/share/man*\n+./usr/share/man/man8*\n\n# note\n./boot*\n")
    assert parsed == Exlist(("./boot*", "./usr/share/man*"), ("./usr/share/man/man8*",))


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("/boot*", "1:1: warning: '/boot*' matches nothing: patterns begin with ./", "Write ./boot*"),
        ("./boot\nusr/share", "2:1: warning: 'usr/share' matches nothing: patterns begin with ./", "Write ./usr/share"),
        (".statex", "1:1: warning: '.statex' matches nothing: patterns begin with ./", "Write ./statex"),
        ("?usr", "1:1: warning: '?usr' matches nothing: patterns begin with ./", "Write ./?usr"),
        ("./usr/", "1:1: warning: './usr/' matches nothing: it ends in /", "Write ./usr* or ./usr/*"),
        ("./usr//share", "1:1: warning: './usr//share' matches nothing: no path has //", "Write ./usr/share"),
        (" ./usr", "1:1: warning: ' ./usr' matches nothing: xCAT keeps the blank in front of it", "Write ./usr"),
        ("./usr  ", "1:1: warning: './usr  ' matches nothing: xCAT keeps the blank at its end", "Write ./usr"),
        ("./usr\r", "1:1: warning: './usr\\r' matches nothing: the line ends in CR LF", "Unix"),
        ("./a#b", "1:1: warning: the pattern ends at the #: it is './a'", "Put a blank"),
        ("./a'b", "1:1: warning: the quote in './a'b' breaks the command that xCAT builds", "Write ?"),
        ("./{a,b}", "1:1: warning: braces are not wildcards", "Write one line for each."),
        ("./*", "1:1: warning: './*' leaves nothing of the image", "Name what to leave out."),
        ("# INCLUDE:a#", "1:1: warning: taken as a comment: # INCLUDE:a#", "Write #INCLUDE:path#"),
        ("#include: a", "1:1: warning: taken as a comment", "Write #INCLUDE:path#"),
        ("# old: #INCLUDE:a#", "1:8: warning: xCAT does include the file of this comment", "Remove the directive"),
        ("./a#INCLUDE:b#", "1:4: warning: xCAT joins the text before an include", "a line of its own"),
        ("./a\n./a", "2:1: info: ./a is already listed at exlist:1", "Remove one of them."),
        ("./a/b*\n./a*", "1:1: info: ./a/b* adds nothing to ./a* at exlist:2", "Remove one of them."),
        ("+./a*\n+./a/[bc]/d", "2:1: info: ./a/[bc]/d adds nothing to ./a* at exlist:1", "Remove one of them."),
    ],
)
def test_what_xcat_misreads_is_said(text: str, says: str, remedy: str) -> None:
    (found,) = exlist.parse(text).diagnostics
    assert str(found).startswith(f"exlist:{says}")
    assert remedy in found.remedy


def test_patterns_that_add_something_are_fine() -> None:
    assert exlist.parse("./a*\n+./a/b*\n./b/*\n./b?*\n./c\n./c/d*\n./*/e*\n./*/e/f\n").diagnostics == ()


def test_a_pattern_may_begin_with_a_wildcard() -> None:
    parsed = exlist.parse("*.pyc\n[.]/usr\n?/usr\n")
    assert parsed.diagnostics == ()
    assert parsed.exclude == ("*.pyc", "[.]/usr", "?/usr")


def test_includes_are_spliced_before_comments_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("./one  \n\n./two # note\n")
    (tmp_path / "a").write_text("# old: #INCLUDE:b#\n")
    assert exlist.load([tmp_path / "a"]).exclude == ("./two",)
    (tmp_path / "a").write_text("#INCLUDE:b# more\n./three\n")
    assert exlist.load([tmp_path / "a"]).exclude == ("./one", "./two", "./three")


def test_a_missing_include_is_an_error_although_xcat_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("./x\n#INCLUDE:gone#\n")
    with pytest.raises(ListFileError, match=r"a:2: Unable to open the included file"):
        exlist.load([tmp_path / "a"])
    with pytest.raises(NotFoundError, match="The exlist specified"):
        exlist.read([tmp_path / "gone"])


def test_names_of_any_bytes_are_patterns(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"./caf\xe9\n# r\xe9sum\xe9\n")
    loaded = exlist.load([tmp_path / "a"])
    assert loaded.exclude == ("./caf\udce9",)
    assert loaded.render().encode(errors="surrogateescape") == (tmp_path / "a").read_bytes()


PATTERNS = st.from_regex(r"\./[a-z0-9*?./_-]{0,12}[a-z*?_-]", fullmatch=True)


@given(st.lists(PATTERNS, unique=True), st.lists(PATTERNS, unique=True))
def test_composed_lists_parse_to_the_same(exclude: list[str], include: list[str]) -> None:
    listed = Exlist(tuple(exclude), tuple(include))
    assert exlist.parse(exlist.compose(exclude, include)) == listed


@pytest.mark.parametrize("role", ["compute", "service"])
def test_shipped_lists_are_clean_and_keep_what_boots(role: str) -> None:
    file = resources.templates() / "netboot" / "debian" / f"{role}.debian12.x86_64.exlist"
    loaded = exlist.load([file])
    assert file.read_text().startswith("# Read by ")
    assert loaded.warnings == ()
    assert any(fnmatch.fnmatch("./usr/share/man/man1/ls.1.gz", pattern) for pattern in loaded.exclude)
    keep = Exclusion(loaded.exclude, loaded.include).keeps
    modules = "./usr/lib/modules/6.1.0-1-amd64/kernel"
    kept = ["fs/overlayfs/overlay.ko", "drivers/net/virtio_net.ko", "drivers/infiniband/core/ib_core.ko",
            "fs/nfs/nfs.ko", "drivers/gpu/drm/ast/ast.ko",
            "drivers/net/ethernet/intel/igb/igb.ko", "net/sunrpc/sunrpc.ko"]  # fmt: skip
    assert not [name for name in kept if not keep(f"{modules}/{name}")]
    assert not keep(f"{modules}/sound/core/snd.ko")
    assert not keep("./boot")
    assert keep("./usr/bin/bash")
