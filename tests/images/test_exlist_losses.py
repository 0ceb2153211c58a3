"""What an exlist takes away from the packages that the lists ask for, in a tree and before there is one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import make_deb
from rpms import install, make_repository, make_rpm

from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.images.tree.lint import look
from sbkernel.images.tree.losses import Known, entries_by_name, losses
from sbkernel.jobs.report import NullReport
from sbkernel.lists import exlist, otherpkglist, pkglist
from sbkernel.site import Site

FILES = {
    "tool-man": ["/usr/share/man/a", "/usr/share/man/b", "/usr/share/doc/c", "/usr/share/doc-base/d"],
    "tool-devel": ["/usr", "/usr/include", "/usr/include/tool.h", "/usr/lib/libtool.so", "/usr/share/doc/tool/x"],
    "tool": ["/usr/bin/tool", "/usr/bin/more", "/usr/share/doc/a", "/usr/share/man/b", "/boot/c", "/lib/tool/d"],
    "tool-doc": ["/usr/share/doc/tool/a", "/usr/share/doc/tool/b"],
}


def said(patterns: str, asked: str, links: dict[str, str] | None = None) -> list[str]:
    known = Known(entries_by_name(pkglist.parse(asked, "p").entries), FILES, links or {})
    return [f"{one.line}: {one.severity}: {one.message}" for one in losses(exlist.parse(patterns, "x"), known)]


@pytest.mark.parametrize(
    ("patterns", "asked", "says"),
    [
        (
            "./tmp/*\n./usr/include*", "bash\ntool-devel",
            ["2: warning: './usr/include*' takes away what the lists ask for: "
             "tool-devel (1 of 3 files, such as /usr/include/tool.h; p:2)"],
        ),
        ("./usr/include*\n+./usr/include/tool.h", "tool-devel", []),
        ("./usr/share/doc*\n./usr/share/man*\n./boot*", "tool", []),
        ("./usr/share/doc*", "tool-doc", [
            "1: warning: './usr/share/doc*' takes away what the lists ask for: "
            "tool-doc (2 of 2 files, such as /usr/share/doc/tool/a; p:1)"
        ]),
        ("./usr/bin/more", "tool=1.0", [
            "1: info: './usr/bin/more' takes away what the lists ask for: "
            "tool (1 of 6 files, such as /usr/bin/more; p:1)"
        ]),
        ("./usr/share/doc*\n./usr/share/man*", "tool-man", [
            "1: warning: './usr/share/doc*' takes away what the lists ask for: "
            "tool-man (2 of 4 files, such as /usr/share/doc-base/d; p:1)",
            "2: warning: './usr/share/man*' takes away what the lists ask for: "
            "tool-man (2 of 4 files, such as /usr/share/man/a; p:1)",
        ]),
        ("./usr/share/doc/*\n./usr/share/man*", "tool-man", [
            "2: warning: './usr/share/man*' takes away what the lists ask for: "
            "tool-man (2 of 4 files, such as /usr/share/man/a; p:1)",
        ]),
        ("./usr/lib/tool*", "site/tool.x86_64", []),
        ("./usr/include*", "gcc\nmake", ["1: warning: './usr/include*' leaves out the headers that gcc needs (p:1)"]),
        ("./usr/include*", "@Development Tools", [
            "1: warning: './usr/include*' leaves out the headers that @Development Tools needs (p:1)"
        ]),
        ("./usr/include*", "zlib1g-dev:amd64", [
            "1: warning: './usr/include*' leaves out the headers that zlib1g-dev is there for, by its name (p:1)"
        ]),
        ("./usr/share/zoneinfo*", "ab\ntimezone", [
            "1: warning: './usr/share/zoneinfo*' leaves out the time zones that timezone is there for, "
            "by its name (p:2)"
        ]),
        ("", "gcc\ntool-devel", []),
    ],
)  # fmt: skip
def test_only_what_is_missed_is_said(patterns: str, asked: str, says: list[str]) -> None:
    assert said(patterns, asked) == says


def test_files_behind_a_link_of_the_tree_are_found() -> None:
    found = said("./usr/lib/tool*", "tool", {"./lib": "./usr/lib"})
    taken = "tool (1 of 6 files, such as /usr/lib/tool/d; p:1)"
    assert found == [f"1: info: './usr/lib/tool*' takes away what the lists ask for: {taken}"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def define(site: Site, place: Path, osvers: str, names: str, patterns: str, **attributes: str) -> None:
    (place / "p").write_text(names)
    (place / "x").write_text(patterns)
    site.set(
        "osimage", "lab", imagetype="linux", provmethod="netboot", osarch="x86_64", profile="lab", osvers=osvers,
        pkglist=f"{place}/p", exlist=f"{place}/x", rootimgdir=f"{place}/built", **attributes,
    )  # fmt: skip


def remarked(site: Site) -> list[str]:
    return [f"{Path(one.file).name}:{one.line}: {one.severity}: {one.message}" for one in look(site, "lab").remarks]


def test_the_tree_of_rpm_packages_tells(site: Site, tmp_path: Path) -> None:
    files = {"usr/include/tool.h": "x", "usr/lib64/libtool.so": "x"}
    package = make_rpm(tmp_path / "rpms", "tool-devel", files=files)
    (tmp_path / "built").mkdir()
    install(tmp_path / "built" / "rootimg", package)
    define(site, tmp_path, "rocky9.4", "tool-devel\n", "./usr/include*\n")
    said = f"tool-devel (1 of 2 files, such as /usr/include/tool.h; {tmp_path}/p:1)"
    assert remarked(site) == [f"x:1: warning: './usr/include*' takes away what the lists ask for: {said}"]


def test_the_tree_of_debian_packages_tells(site: Site, tmp_path: Path) -> None:
    tree = tmp_path / "built" / "rootimg"
    (tree / "var/lib/dpkg/info").mkdir(parents=True)
    (tree / "var/lib/dpkg/status").touch()
    make_deb(tmp_path, "libtool-dev", {"usr/include/tool.h": "x", "usr/lib/libtool.so": "x"})
    command = ["dpkg", f"--root={tree}", "--force-not-root", "--log=/dev/null", "--unpack"]
    subprocess.run([*command, tmp_path / "libtool-dev_1.0_all.deb"], check=True, capture_output=True)
    (tree / "lib").symlink_to("usr/lib")
    define(site, tmp_path, "debian12", "libtool-dev\n", "./usr/include*\n./lib/libtool*\n")
    said = f"libtool-dev (1 of 2 files, such as /usr/include/tool.h; {tmp_path}/p:1)"
    assert remarked(site) == [
        f"x:1: warning: './usr/include*' takes away what the lists ask for: {said}",
        "x:2: warning: './lib/libtool*' matches nothing: /lib is a link to /usr/lib, and links are not followed",
    ]
    assert look(site, "lab").remarks[1].remedy == "Write ./usr/lib/libtool*"


def test_the_indexes_tell_before_there_is_a_tree(site: Site, tmp_path: Path) -> None:
    packages = tmp_path / "rpms"
    make_rpm(packages, "tool-libs", files={"usr/lib64/tool/a.h": "x", "opt/b": "x", "opt/c": "x"})
    make_repository(packages)
    text = "tool-libs\ntool-lib\n@cores\n"
    define(site, tmp_path, "rocky9.4", text, "./usr/lib64/tool*\n./tmp*\n", pkgdir=str(packages))
    assert look(site, "lab").unchecked == (
        "names of packages are not checked: the sources have not been read yet: sb pkg lab resolve",
        "what the exlist takes away is known by names alone before the image is built: sb genimage lab",
    )
    request = Request(site.osimages["lab"].attributes, pkglist.parse("tool-libs"))
    family_of("rocky9.4").open(site, request).resolve(NullReport())
    said = f"tool-libs (1 of 3 files, such as /usr/lib64/tool/a.h; {tmp_path}/p:1)"
    assert remarked(site) == [
        "p:2: error: no source has a package tool-lib, as they were read last",
        "p:3: error: no source has a group cores, as they were read last",
        f"x:1: info: './usr/lib64/tool*' takes away what the lists ask for: {said}",
        "x:2: warning: './tmp*' removes ./tmp itself: programs put files there",
    ]
    assert look(site, "lab").remarks[0].remedy == "Did you mean tool-libs?"
    assert look(site, "lab").unchecked == ()


def test_the_otherpkglist_is_looked_up_as_well(site: Site, tmp_path: Path) -> None:
    for place, name in (("rpms", "tool"), ("other/site", "own-tool")):
        make_rpm(tmp_path / place, name)
        make_repository(tmp_path / place)
    (tmp_path / "o").write_text("site/own-tool\nsite/own-toll\n")
    more = {"otherpkglist": f"{tmp_path}/o", "otherpkgdir": f"{tmp_path}/other"}
    define(site, tmp_path, "rocky9.4", "tool\n", "./opt/own-tool*\n", pkgdir=str(tmp_path / "rpms"), **more)
    good = Request(site.osimages["lab"].attributes, pkglist.parse("tool"), otherpkglist.parse("site/own-tool"))
    family_of("rocky9.4").open(site, good).resolve(NullReport())
    assert remarked(site) == [
        "o:2: error: no source has a package own-toll, as they were read last",
        "x:1: warning: './opt/own-tool*' takes away what the lists ask for: "
        f"own-tool (1 of 1 files, such as /opt/own-tool-1.0-1/file; {tmp_path}/o:1)",
    ]
    assert look(site, "lab").remarks[0].remedy == "Did you mean own-tool?"


def test_a_database_that_nobody_can_read_is_no_reason_to_fail(site: Site, tmp_path: Path) -> None:
    database = tmp_path / "built" / "rootimg" / "var/lib/rpm"
    database.mkdir(parents=True)
    (database / "rpmdb.sqlite").write_text("damaged")
    define(site, tmp_path, "rocky9.4", "tool\n", "./opt/*\n")
    assert remarked(site) == ["x:1: info: './opt/*' matches nothing in this tree"]


def test_what_is_harmless_in_a_shipped_exlist_is_not_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / "built" / "rootimg").mkdir(parents=True)
    shipped = site.root / "share/netboot/rh/compute.x86_64.exlist"
    define(site, tmp_path, "rocky9.4", "tool\n", f"./mine/*\n#INCLUDE:{shipped}#\n")
    assert remarked(site) == ["x:1: info: './mine/*' matches nothing in this tree"]


@pytest.mark.parametrize(
    ("line", "says"),
    [("gone/tool", "no directory gone in {others}"), ("../tool", "'..' is no directory below otherpkgdir")],
)
def test_what_genimage_would_refuse_of_a_list_is_said(site: Site, tmp_path: Path, line: str, says: str) -> None:
    others = tmp_path / "others"
    others.mkdir()
    (tmp_path / "o").write_text(f"tool\n{line}\n")
    more = {"otherpkglist": f"{tmp_path}/o", "otherpkgdir": str(others)}
    define(site, tmp_path, "rocky9.4", "tool\n", "", pkgdir=str(tmp_path), **more)
    assert remarked(site) == [f"o:2: error: {says.format(others=others)}"]


def test_the_command_line_says_it_with_places_hints_and_its_exit_code(site: Site, tmp_path: Path) -> None:
    packages = tmp_path / "rpms"
    make_rpm(packages, "tool-libs")
    make_repository(packages)
    define(site, tmp_path, "rocky9.4", "gcc\n@^tools\ntool-libz\n", "./usr/include*\n", pkgdir=str(packages))
    request = Request(site.osimages["lab"].attributes, pkglist.parse("tool-libs"))
    family_of("rocky9.4").open(site, request).resolve(NullReport())
    command = [sys.executable, "-m", "sbkernel.cli", "--site", site.root, "lint", "lab"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (
        1,
        f"{tmp_path}/p:1:1: error: no source has a package gcc, as they were read last\n"
        "    Is the right repository among the sources?\n"
        f"{tmp_path}/p:2:1: error: no source has a group ^tools, as they were read last\n"
        "    Is the right repository among the sources?\n"
        f"{tmp_path}/p:3:1: error: no source has a package tool-libz, as they were read last\n"
        "    Did you mean tool-libs?\n"
        f"{tmp_path}/x:1:1: warning: './usr/include*' leaves out the headers that gcc needs ({tmp_path}/p:1)\n"
        "    Remove this line, or the compiler from the list.\n"
        "lab: 3 errors, 1 warning, 0 remarks\n",
    )
