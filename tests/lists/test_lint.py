"""Lint reads all files of an osimage, each with its own grammar, and holds the exlist against the tree."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import NotFoundError
from sbkernel.images.tree.exlistlint import against, without_tree
from sbkernel.images.tree.lint import lint, paths_below
from sbkernel.lists import exlist
from sbkernel.lists.text import missing, refusal
from sbkernel.site import Site

TREE = [
    ".",
    "./bin",
    "./boot",
    "./boot/vmlinuz",
    "./etc",
    "./etc/passwd",
    "./proc",
    "./tmp",
    "./tmp/x",
    "./tmpfiles",
    "./tmpfiles/y",
    "./usr",
    "./usr/lib",
    "./usr/lib/a",
    "./usr/lib/a/doc",
    "./usr/share",
    "./usr/share/doc",
    "./usr/share/doc/bash",
    "./usr/share/docs",
    "./usr/share/x",
    "./usr/share/x/y",
    "./usr/share/x/y/doc",
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def define(site: Site, **attributes: str) -> None:
    site.set("osimage", "lab", imagetype="linux", provmethod="netboot", osarch="x86_64", profile="lab", **attributes)


def said(site: Site, name: str = "lab") -> list[str]:
    return [f"{Path(one.file).name}:{one.line}:{one.column}: {one.severity}: {one.message}" for one in lint(site, name)]


def test_shipped_images_are_clean(site: Site) -> None:
    for image in site.osimages:
        assert lint(site, image) == ()
    with pytest.raises(NotFoundError):
        lint(site, "nothing")


def test_every_file_is_read_with_its_own_grammar(site: Site, tmp_path: Path) -> None:
    texts = {
        "p.pkglist": "@tools\nbash\n-vim\n",
        "o.pkglist": "site/own\n-old\n",
        "x.exlist": "usr\n",
        "s.synclist": f"{tmp_path}/gone /etc/$SITE.conf -> /etc/\n{tmp_path}/*.conf -> /etc/\n",
        "post": "#!/bin/sh\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    define(
        site, osvers="debian12", pkglist=f"{tmp_path}/p.pkglist,{tmp_path}/none", otherpkglist=f"{tmp_path}/o.pkglist",
        exlist=f"{tmp_path}/x.exlist", synclists=f"{tmp_path}/s.synclist", postinstall=f"{tmp_path}/post a,/none/x",
    )  # fmt: skip
    custom = site.installdir / "custom" / "netboot" / "debian"
    custom.mkdir(parents=True)
    (custom / "lab.fstab").write_text("one two\n")
    assert said(site) == [
        "p.pkglist:1:1: error: '@tools' is not a package name of Debian",
        "p.pkglist:3:1: warning: -vim removes nothing: xCAT never removes packages from a stateless image",
        f"none:1:1: error: The pkglist specified '{tmp_path}/none' does not exist!",
        "x.exlist:1:1: warning: 'usr' matches nothing: patterns begin with ./",
        "s.synclist:1:1: error: $SITE is not set in the environvar of the osimage",
        f"s.synclist:1:1: error: {tmp_path}/gone does not exist",
        "lab.fstab:1:1: error: expected 3 to 6 fields, found 2",
        f"post:1:1: error: postinstall script {tmp_path}/post is not executable",
        "x:1:1: error: The postinstall specified '/none/x' does not exist!",
    ]
    assert all(one.remedy for one in lint(site, "lab"))


def test_groups_are_fine_where_the_installer_has_them(site: Site, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("@minimal-environment\n")
    define(site, osvers="rocky9.4", pkglist=str(tmp_path / "p"))
    assert said(site) == []
    define(site, pkglist="")
    assert said(site) == ["lab:1:1: error: A .pkglist file must be specified"]


def test_lists_that_name_no_package_are_remarked_on(site: Site, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("# nothing yet\n")
    define(site, osvers="rocky9.4", pkglist=str(tmp_path / "p"))
    assert said(site) == ["p:1:1: warning: no list names a package"]


def test_the_lists_of_xcat_include_by_a_variable_that_only_xcat_sets(site: Site, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("bash\n#INCLUDE:${XCATROOT}/share/more.pkglist#\n")
    define(site, osvers="rocky9.4", pkglist=str(tmp_path / "p"))
    assert said(site) == ["p:2:1: error: the include uses $XCATROOT, which is not set"]
    assert lint(site, "lab")[0].remedy == "export XCATROOT=/opt/xcat, as in xCAT, or write the path."


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("./tmp*", "warning: './tmp*' removes ./tmp itself: programs put files there"),
        ("./proc", "warning: './proc' removes ./proc itself: the kernel and systemd mount something on it"),
        ("./bin*", "warning: './bin*' removes ./bin itself"),
        ("./usr/share/doc*", "info: './usr/share/doc*' removes more than ./usr/share/doc: ./usr/share/docs"),
        ("./usr/*/doc", "warning: * matches / too: './usr/*/doc' also removes ./usr/lib/a/doc, ./usr/share/x/y/doc"),
        ("./usr/share", "warning: './usr/share' does not remove ./usr/share: what is below stays"),
        ("./opt/*", "info: './opt/*' matches nothing in this tree"),
        ("+./usr/share/x*", "info: '+./usr/share/x*' keeps nothing that another line removes"),
    ],
)
def test_patterns_against_a_tree(pattern: str, says: str) -> None:
    found = [f"{one.severity}: {one.message}" for one in against(exlist.parse(pattern), TREE)]
    assert says in found


def test_what_is_kept_below_keeps_its_directory() -> None:
    assert against(exlist.parse("./tmp\n./tmp/*\n+./tmp/x\n"), TREE) == ()
    assert against(exlist.parse("./tmp/*\n./boot/*\n"), TREE) == ()


def test_a_pattern_behind_a_link_is_shown_the_way() -> None:
    (found,) = against(exlist.parse("+./lib/a"), TREE, {"./lib": "./usr/lib"})
    assert found.message == "'./lib/a' matches nothing: /lib is a link to /usr/lib, and links are not followed"
    assert (found.severity, found.remedy) == ("warning", "Write +./usr/lib/a")


@pytest.mark.parametrize(("pattern", "removes"), [("./tmp*", ["./tmp"]), ("./tmp/*", []), ("./pro[c]*", ["./proc"])])
def test_what_nodes_need_is_known_without_a_tree(pattern: str, removes: list[str]) -> None:
    found = [one.message for one in without_tree(exlist.parse(pattern))]
    assert [message.split()[2] for message in found] == removes


@pytest.mark.parametrize(
    ("osvers", "linked"), [("rocky8", True), ("fedora41", True), ("debian12", True), ("sles15.6", False), ("x", False)]
)
def test_what_is_behind_a_link_is_known_by_the_release(
    site: Site, tmp_path: Path, osvers: str, *, linked: bool
) -> None:
    (tmp_path / "x").write_text("./lib/kbd*\n+./usr/lib/kbd/a\n./library/x\n./lib\n")
    (tmp_path / "p").write_text("bash\n")
    define(site, osvers=osvers, pkglist=f"{tmp_path}/p", exlist=f"{tmp_path}/x")
    found = [one for one in lint(site, "lab") if "is a link" in one.message]
    assert [(one.line, one.remedy) for one in found] == [(1, "Write ./usr/lib/kbd*")] * linked


def test_a_pattern_that_is_wrong_by_itself_is_said_once() -> None:
    assert against(exlist.parse("usr\n"), TREE) == ()


def test_a_built_tree_is_looked_at(site: Site, tmp_path: Path) -> None:
    for name in ("tmp", "tmpfiles"):
        (tmp_path / "built" / "rootimg" / name).mkdir(parents=True)
    (tmp_path / "built" / "rootimg" / "link").symlink_to("/")
    (tmp_path / "x").write_text("./tmp*\n")
    (tmp_path / "p").write_text("bash\n")
    define(
        site, osvers="debian12", pkglist=f"{tmp_path}/p", exlist=f"{tmp_path}/x", rootimgdir=f"{tmp_path}/built"
    )  # fmt: skip
    assert said(site) == [
        "x:1:1: warning: './tmp*' removes ./tmp itself: programs put files there",
        "x:1:1: info: './tmp*' removes more than ./tmp: ./tmpfiles",
    ]
    assert list(paths_below(tmp_path / "built" / "rootimg")) == ["./link", "./tmp", "./tmpfiles"]


def test_a_tree_in_the_default_place_is_looked_at(site: Site, tmp_path: Path) -> None:
    (site.installdir / "netboot/debian12/x86_64/lab/rootimg/tmp").mkdir(parents=True)
    (tmp_path / "x").write_text("./nothing/*\n")
    (tmp_path / "p").write_text("bash\n")
    define(site, osvers="debian12", pkglist=f"{tmp_path}/p", exlist=f"{tmp_path}/x")
    assert said(site) == ["x:1:1: info: './nothing/*' matches nothing in this tree"]


@given(st.lists(st.text("./*?[]ab+-#", max_size=8)).map("\n".join))
def test_any_list_against_a_tree(text: str) -> None:
    for one in against(exlist.parse(text), TREE):
        assert one.remedy and 1 <= one.line <= text.count("\n") + 1


def test_a_list_in_a_directory_that_others_may_not_enter_is_said_to_be_unreadable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    (closed / "x.pkglist").write_text("bash\n")
    closed.chmod(0)
    assert _as_nobody(lambda: "cannot be read" in str(refusal(closed / "x.pkglist", "pkglist")))
    assert _as_nobody(lambda: not missing(closed / "x.pkglist"))
    closed.chmod(0o700)


def _as_nobody(holds: Callable[[], bool]) -> bool:
    """Ask as an ordinary user; root may read everything."""
    child = os.fork()
    if not child:
        if not os.geteuid():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os._exit(0 if holds() else 1)
    return not os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
