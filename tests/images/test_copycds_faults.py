"""copycds when something is wrong: killed, cancelled, no room, a disc that is damaged, a place that is taken."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from discs import anaconda, debian, make_iso, write
from ordinaryuser import USER, home, sb
from smallbuild import Recorder
from waiting import until

from sbkernel.errors import BuildError, JobCancelledError, LockedError, NotFoundError, SbkernelError
from sbkernel.images.copycds import copycds
from sbkernel.images.media.opening import identify
from sbkernel.jobs.lock import lock
from sbkernel.site import Site

__all__ = ["home"]

HERE = Path(__file__).parent
SHIPPED = ["debian12-x86_64-netboot-compute", "debian12-x86_64-netboot-service"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "it has blanks") as site:
        yield site


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = anaconda(tmp_path_factory.mktemp("tree") / "disc", "Rocky Linux", "9.4", split=True)
    write(tree, {f"images/part{number}.img": f"{number}" * 100_000 for number in range(20)})
    return tree


@pytest.fixture(scope="module")
def image(tree: Path) -> Path:
    return make_iso(tree, tree.with_name("rocky.iso"))


def assert_untouched(site: Site) -> None:
    """No file below installdir, and no new definition."""
    left = [path for path in site.installdir.rglob("*") if path.is_file() and path.name != ".x86_64.lock"]
    assert left == []
    assert list(site.osimages) == SHIPPED


def test_kill_9_leaves_nothing_under_its_name_and_the_next_run_goes_on(site: Site, image: Path, tree: Path) -> None:
    argv = [sys.executable, HERE / "copycdsfaults.py", "slow", site.root, image]
    process = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}"})
    beside = site.installdir / "rocky9.4/.x86_64.copying"
    until(lambda: len(list(beside.rglob("*.img"))) >= 3 and list(beside.rglob(".copycds.new")), 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole = [path for path in beside.rglob("*") if path.is_file() and path.name != ".copycds.new"]
    assert not (site.installdir / "rocky9.4/x86_64").exists() and list(site.osimages) == SHIPPED
    assert {path.stat().st_ino for path in whole}
    done = copycds(site, [image])
    assert done["copied"][0]["there"] == len(whole) >= 3
    place = site.installdir / "rocky9.4/x86_64"
    assert subprocess.run(["diff", "-r", tree, place], capture_output=True, text=True).stdout == ""
    assert sorted(path.name for path in place.parent.iterdir()) == [".x86_64.lock", "x86_64"]


class Cancelled(Recorder):
    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        super().progress(done, total, text)
        if len(self.counts) > 5:
            raise JobCancelledError("cancelled")


def test_a_cancelled_copy_goes_on_later(site: Site, image: Path) -> None:
    with pytest.raises(JobCancelledError):
        copycds(site, [image], report=Cancelled())
    assert not (site.installdir / "rocky9.4/x86_64").exists()
    assert copycds(site, [image])["copied"][0]["there"] == 6


@pytest.mark.parametrize(
    ("when", "says"),
    [("before", r"no room for .*rocky.iso in .*: \d\.\d MB are needed, \d+\.\d kB are free"),
     ("midway", r"copy .*rocky.iso: no space left on the disk of")],
)  # fmt: skip
def test_a_full_disk(image: Path, tmp_path: Path, when: str, says: str) -> None:
    argv = [sys.executable, HERE / "copycdsfaults.py", "small", tmp_path, image, when]
    done = subprocess.run(["unshare", "--mount", "--map-root-user", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(says, done.stdout)


def test_an_image_that_is_not_there(site: Site, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"was unable to find/read .*/none.iso\. Ensure that file exists"):
        copycds(site, [tmp_path / "none.iso"])


def test_a_truncated_image(site: Site, image: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.iso"
    short.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    with pytest.raises(BuildError, match=r"short.iso is truncated: it has \d+ bytes of \d+"):
        copycds(site, [image, short])
    assert_untouched(site)


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("*/repodata", "holds no packages: there is no repodata/repomd.xml on it"),
        ("BaseOS/repodata/*-primary.xml.*", "BaseOS/repodata/repomd.xml is damaged: repodata/.*-primary.* is missing"),
    ],
)
def test_a_disc_without_an_index(site: Site, tree: Path, tmp_path: Path, gone: str, says: str) -> None:
    damaged = shutil.copytree(tree, tmp_path / "damaged")
    for path in list(damaged.glob(gone)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(BuildError, match=says):
        copycds(site, [make_iso(damaged, tmp_path / "damaged.iso")])
    assert_untouched(site)


def test_an_index_that_names_nothing(site: Site, tree: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(tree, tmp_path / "damaged")
    (damaged / "BaseOS/repodata/repomd.xml").write_text("<repomd/>")
    with pytest.raises(BuildError, match="is damaged: it names no index"):
        copycds(site, [damaged])


def test_a_disc_of_debian_for_another_architecture(site: Site, tmp_path: Path) -> None:
    tree = debian(tmp_path / "tree")
    (tree / "dists/bookworm/main/binary-amd64").rename(tree / "dists/bookworm/main/binary-arm64")
    with pytest.raises(BuildError, match="holds no packages for x86_64: there is no dists/"):
        copycds(site, [tree])


@pytest.mark.parametrize(
    ("name", "arch", "says"),
    [
        ("", "aarch64", "is for x86_64, not for aarch64"), ("debian12", "", "is rocky9.4, not debian12"),
        ("rocky8.4", "", "is rocky9.4, not rocky8.4"), ("none1", "", "not supported yet: none1"),
        ("rocky/..", "", "is no osvers"), ("", "../x", "is no architecture"),
    ],
)  # fmt: skip
def test_a_disc_that_is_something_else_than_was_said(site: Site, image: Path, name: str, arch: str, says: str) -> None:
    with pytest.raises(SbkernelError, match=re.escape(says)):
        copycds(site, [image], name=name, arch=arch)
    assert_untouched(site)


def test_a_place_that_holds_something_else(site: Site, image: Path, tmp_path: Path) -> None:
    write(tmp_path / "home", {"thesis": "x"})
    with pytest.raises(BuildError, match="home holds other files"):
        copycds(site, [image], path=tmp_path / "home")
    copycds(site, [debian(tmp_path / "tree")], path=tmp_path / "tree-copy")
    with pytest.raises(BuildError, match=r"tree-copy holds debian12.5"):
        copycds(site, [image], path=tmp_path / "tree-copy")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis"]


def test_a_disc_is_not_copied_into_itself(site: Site, tree: Path) -> None:
    with pytest.raises(ValueError, match="are within each other"):
        copycds(site, [tree], path=tree / "copy")


def test_names_on_a_disc_do_not_reach_the_terminal_as_they_are(site: Site, tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"\x1b[2Jevil": "x"})
    with pytest.raises(BuildError) as caught:
        copycds(site, [make_iso(tree, tmp_path / "disc.iso")])
    assert "\\x1b[2Jevil" in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[general", "[general]\nfamily = Rocky Linux\n", "[general]\nfamily=%(x)s\n", "\xff" * 100,
        "[general]\nfamily = Rocky Linux\nversion = ../9\narch = x86_64\n",
        "[general]\nfamily = Rocky Linux\nversion = 9.4\narch = x86_64/../..\n",
    ],
)  # fmt: skip
def test_what_says_nothing_that_makes_sense_says_nothing(tmp_path: Path, text: str) -> None:
    tree = write(tmp_path / "tree", {".treeinfo": text, ".discinfo": text, ".disk/info": text, "media.1/media": text})
    with pytest.raises(BuildError, match="could not identify"):
        identify(tree)


def test_two_runs_do_not_copy_to_one_place(site: Site, image: Path) -> None:
    with lock(site.installdir / "rocky9.4/x86_64", "copycds"), pytest.raises(LockedError, match="another copycds"):
        copycds(site, [image])


def test_an_ordinary_user_copies_an_image(home: Path, image: Path) -> None:
    own = Path(shutil.copy(image, home / "rocky.iso"))
    shutil.chown(own, USER, USER)
    assert "defined osimage rocky9.4-x86_64-netboot-compute\n" in sb(home, "copycds", str(own))
    assert (home / ".local/share/sbkernel/install/rocky9.4/x86_64/BaseOS/repodata/repomd.xml").is_file()
