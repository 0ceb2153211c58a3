"""Trees of rpm packages: scriptlets, the database where the release looks for it, reasons, the same bytes twice."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ordinaryuser import USER, as_user, home
from rpmbase import BASE, make_base, modules, open_image
from rpms import DATE, make_repository, make_rpm

from sbkernel.errors import BuildError
from sbkernel.images.layers.listing import listing
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import inside, remove_tree
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

__all__ = ["home"]

SCRIPTED = """
%pre
echo "pre $1 $(ls /proc/self/status) $HOME ${SECRET:-none} ${ASKED:-}" >> /var/tmp/said
%post
echo "post $1 $(id -u) $(ls /dev/null)" >> /var/tmp/said
echo scripted speaks
%posttrans
cat /var/tmp/said > /etc/said
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repositories") / "BaseOS"
    place.mkdir()
    make_base(place)
    needs = f"Requires: {BASE}\nRequires(pre): /bin/sh\n"
    make_rpm(place, "scripted", "3:1.0-1", more=needs, scripts=SCRIPTED)
    documents = {"usr/share/doc/documented/README": "x", "usr/share/man/man1/d.1": "x"}
    make_rpm(place, "documented", files=documents, more=needs)
    make_rpm(place, "tool", more=f"{needs}Requires: lib\n")
    make_rpm(place, "lib")
    make_rpm(place, "grumbling", more=needs, scripts="%post\nexit 3\n")
    make_rpm(place, "refusing", more=needs, scripts="%pre\nexit 3\n")
    make_repository(place)
    return place


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        yield site


class Recorder(NullReport):
    """A report that keeps everything."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counts: list[tuple[int, int | None]] = []

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        self.counts.append((done, total))

    def log(self, line: str) -> None:
        self.lines.append(line)


class Trees:
    """Trees below one directory, gone with it."""

    def __init__(self, site: Site, place: Path) -> None:
        self.site, self.place, self.report = site, place, Recorder()

    def install(self, pkgdir: Path, text: str, name: str = "one", **more: str) -> Path:
        manager = open_image(self.site, str(pkgdir), text, **more)
        resolution = manager.resolve(self.report)
        manager.fetch(resolution, self.report)
        tree = self.place / name / "tree"
        tree.parent.mkdir(parents=True)
        self.facts = manager.install(resolution, tree, self.report)
        return tree


@pytest.fixture
def trees(site: Site, tmp_path: Path) -> Iterator[Trees]:
    made = Trees(site, tmp_path / "trees")
    yield made
    remove_tree(made.place)


def test_scriptlets_run_in_the_tree_and_know_nothing_of_the_host(
    trees: Trees, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of this host")
    tree = trees.install(repository, "#ENV:ASKED=yes#\nscripted\n")
    assert (tree / "etc/said").read_text() == "pre 1 /proc/self/status /root none yes\npost 1 0 /dev/null\n"
    assert "scripted speaks" in trees.report.lines
    assert trees.report.counts[-1] == (2, 2)
    assert trees.facts["epoch"] == DATE
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]
    assert str(tree) not in Path("/proc/self/mountinfo").read_text()


def test_a_scriptlet_that_fails_is_logged_and_one_that_stops_its_package_ends_the_build(
    trees: Trees, repository: Path
) -> None:
    tree = trees.install(repository, "grumbling\n")
    assert {one.name for one in of_tree(tree).packages} == {BASE, "grumbling"}
    assert "error: Error in POSTIN scriptlet in rpm package grumbling" in trees.report.lines
    with pytest.raises(BuildError, match=r"(?s)could not be installed.*|is not what was resolved.*refusing"):
        trees.install(repository, "refusing\n", "two")
    assert [path.name for path in (trees.place / "two").iterdir()] in ([], ["tree"])


@pytest.mark.parametrize(
    ("osvers", "database", "records"),
    [
        ("rocky9.4", "var/lib/rpm", "var/lib/dnf/history.sqlite"),
        ("rhels10.0", "usr/lib/sysimage/rpm", "var/lib/dnf/history.sqlite"),
        ("fedora42", "usr/lib/sysimage/rpm", "usr/lib/sysimage/libdnf5/packages.toml"),
    ],
)
def test_the_database_lies_where_the_release_looks_for_it(
    trees: Trees, repository: Path, osvers: str, database: str, records: str
) -> None:
    tree = trees.install(repository, "tool\n", osvers=osvers)
    assert [str(path.relative_to(tree)) for path in tree.rglob("rpmdb*")] == [f"{database}/rpmdb.sqlite"]
    assert (tree / records).is_file()
    explicit = {one.name: (one.explicit, one.origin) for one in of_tree(tree).packages}
    assert explicit == {BASE: (False, "BaseOS"), "lib": (False, "BaseOS"), "tool": (True, "BaseOS")}


def test_the_same_packages_make_the_same_bytes_whoever_builds(trees: Trees, repository: Path) -> None:
    first = trees.install(repository, "scripted\ntool\n", "one")
    before = os.umask(0o077)
    try:
        second = trees.install(repository, "scripted\ntool\n", "two")
    finally:
        os.umask(before)
    assert oct(first.stat().st_mode) == oct(second.stat().st_mode) == "0o40755"
    assert listing(first, DATE) == listing(second, DATE)


def test_documentation_stays_and_no_trace_of_the_build_is_left(trees: Trees, repository: Path) -> None:
    tree = trees.install(repository, "documented\ntool\n")
    assert (tree / "usr/share/doc/documented/README").is_file()
    assert (tree / "usr/share/man/man1/d.1").is_file()
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    hidden = [str(trees.place), str(trees.site.root), str(repository)]
    assert [path for path in files if any(text.encode() in path.read_bytes() for text in hidden)] == []
    for left in ("var/cache", "var/log/dnf.log", "root/.rpmdb", "etc/kernel/install.d/50-dracut.install"):
        assert not list(tree.glob(f"{left}/*")) and not (tree / left).is_file(), left
    assert oct((tree / "tmp").stat().st_mode & 0o7777) == "0o1777"
    with sqlite3.connect(tree / "var/lib/dnf/history.sqlite") as history:
        assert history.execute("SELECT dt_begin, user_id, cmdline, releasever FROM trans").fetchall() == [
            (DATE, 0, "", "9")
        ]


def test_modules_that_are_on_are_on_in_the_image(trees: Trees, tmp_path: Path) -> None:
    place = tmp_path / "AppStream"
    place.mkdir()
    make_rpm(place, "app", "8-1", more="ModularityLabel: app:8:1:1\n")
    make_repository(place)
    modules(place, "app", {"8": "app-0:8-1.x86_64"}, default="8")
    tree = trees.install(place, "@app:8\n")
    assert "stream=8\n" in (tree / "etc/dnf/modules.d/app.module").read_text()


def test_el_8_gets_a_database_that_its_own_rpm_has_written(trees: Trees, repository: Path, tmp_path: Path) -> None:
    """rpm of this host stands in for the one of EL 8: the same program, in the tree, with its own configuration."""
    place = tmp_path / "rpm"
    shutil.copytree(repository, place, symlinks=True)
    own_rpm(place)
    make_repository(place)
    bare = trees.install(repository, "tool\n", "bare", osvers="rocky8.10")
    assert any("has no rpm, so its package database is sqlite, not bdb" in line for line in trees.report.lines)
    assert (bare / "var/lib/rpm/rpmdb.sqlite").is_file()
    tree = trees.install(place, "tool\nrpm\n", "with", osvers="rocky8.10")
    assert {one.name for one in of_tree(tree).packages} == {BASE, "tool", "lib", "rpm"}
    assert inside(tree, ["/usr/bin/rpm", "-q", "tool"]).stdout == "tool-1.0-1.x86_64\n"
    assert [path.name for path in (tree / "var/lib/rpm").glob("*.sqlite")] == ["rpmdb.sqlite"]
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]


def own_rpm(place: Path) -> None:
    """Make a package of this host's rpm with the libraries and the configuration that it needs."""
    programs = [Path(shutil.which(name) or "") for name in ("rpm", "rpmdb")]
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    libraries = {Path(word) for word in listed.split() if word.startswith("/") and not word.endswith(":")}
    configuration = [Path("/usr/lib/rpm") / name for name in ("macros", "rpmrc")]
    root = place / ".rpm"
    for file in [*programs, *libraries, *configuration]:
        target = root / "usr" / str(file).removeprefix("/usr").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (root / "lib64").symlink_to("usr/lib64")
    (root / "etc/rpm").mkdir(parents=True)
    (root / "etc/rpm/macros.database").write_text("%_dbpath /var/lib/rpm\n")
    make_rpm(place, "rpm", root=root, more=f"Requires: {BASE}\n")


USERS = """
import sys
sys.path[:0] = {tests}
from pathlib import Path
from rpmbase import open_image
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import inside
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site
with Site.open(Path.home() / "site") as site:
    manager = open_image(site, str(Path.home() / "repository"), "scripted\\ntool\\n", osvers="{osvers}")
    resolution = manager.resolve(NullReport())
    manager.fetch(resolution, NullReport())
    tree = Path.home() / "layer" / "tree"
    tree.parent.mkdir()
    manager.install(resolution, tree, NullReport())
    print(sorted(one.name for one in of_tree(tree).packages))
    print((tree / "etc/said").read_text())
    print(inside(tree, ["stat", "-c", "%u", "/usr/bin/busybox"]).stdout)
"""


@pytest.mark.parametrize("osvers", ["rocky9.4", "sles15.6"])
def test_an_ordinary_user_fills_a_tree(home: Path, repository: Path, osvers: str) -> None:
    shutil.copytree(repository, home / "repository", symlinks=True)
    subprocess.run(["chown", "-R", f"{USER}:", home / "repository"], check=True)
    tests = [str(Path(__file__).parents[number]) for number in (2, 3)]
    said = as_user(home, "-c", USERS.format(tests=tests, osvers=osvers)).splitlines()
    assert said[0] == "['lib', 'scripted', 'small-base', 'tool']"
    assert said[2] == "post 1 0 /dev/null"
    assert said[-2] == "0"
