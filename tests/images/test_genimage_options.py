"""genimage's options: stored in one change set, refused with the reason, or asked for at a terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smallbuild import EVERYTHING, Small, another, define
from waiting import until

from sbkernel.errors import BuildError, DefinitionError, NotFoundError
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.options import changed, checked, find_image
from sbkernel.images.order import genimage_order
from sbkernel.images.rmimage import rmimage
from sbkernel.jobs import job as jobs
from sbkernel.site import Site

ROOT = Path(__file__).resolve().parents[2]
CODE = "import sys; from sbkernel.cli.main import main; main(sys.argv[1:])"
LINUX = {"imagetype": "linux", "addkcmdline": "quiet rootlimit=1g x=1"}


def sb(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", CODE, "--site", str(site.root), "genimage", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, cwd=ROOT)


def test_values_are_stored_in_one_change_set_when_the_build_has_succeeded(small: Small) -> None:
    another(small, "told", addkcmdline="quiet")
    genimage(small.site, "told")
    count = len(small.site.history())
    values = {"kernelver": "6.1.0-9-test", "nodebootif": "eth3", "rootlimit": "2g"}
    with pytest.raises(BuildError):
        genimage(small.site, "told", onlyinitrd=True, netdrivers="nosuchcard", **values)
    assert len(small.site.history()) == count and small.site.osimages["told"].get("nodebootif") == ""
    job = jobs.submit(small.site, genimage_order(small.site, "told", onlyinitrd=True, **values))
    assert job.wait().result["kernelver"] == "6.1.0-9-test"
    told = small.site.osimages["told"]
    assert [told.get(key) for key in ("kernelver", "nodebootif", "addkcmdline")] == [
        "6.1.0-9-test", "eth3", "quiet rootlimit=2g",
    ]  # fmt: skip
    changes = small.site.history()
    assert (len(changes), changes.iloc[-1]["what"]) == (count + 1, "genimage")
    small.site.undo()
    assert small.site.osimages["told"].get("kernelver") == ""
    plan_genimage(small.site, "told", **values)
    assert len(small.site.history()) == count + 2, "a plan stores nothing"


def test_rmimage_leaves_nothing_of_what_genimage_makes(small: Small) -> None:
    tree = another(small, "gone")
    genimage(small.site, "gone")
    rmimage(small.site, "gone")
    assert not tree.parent.exists()
    assert genimage(small.site, "gone")["built"] == [
        name for name in EVERYTHING if name not in ("download", "packages")
    ]


def test_it_asks_at_a_terminal_and_builds_what_it_has_shown(small: Small) -> None:
    another(small, "asked")
    genimage(small.site, "asked")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", CODE, "--site", str(small.site.root), "genimage"])
    said = b""
    answers = ("Which image", "asked"), ("that boots", "eth7"), ("use DHCP", ""), ("drivers", ""), ("version", "")
    for prompt, answer in (*answers, ("Build asked?", "y")):
        while prompt.encode() not in said:
            said += os.read(terminal, 1000)
        said = b""
        os.write(terminal, answer.encode() + b"\n")

    def ended() -> bool:
        nonlocal said
        try:
            said += os.read(terminal, 1000)
        except OSError:  # EIO: the other end is closed
            return True
        return False

    until(ended, 120)
    assert os.waitpid(pid, 0)[1] == 0, said
    assert b"Generating image:" in said
    assert small.site.osimages["asked"].get("nodebootif") == "eth7"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "which image? There is no terminal to ask at"),
        (["--interactive", "img"], "--interactive: there is no terminal to ask at"),
        (["-o", "debian12", "img"], "-o, -p and -a options are not allowed when a image name is specified."),
        (["-m", "statelite", "img"], "-m is about statelite images; only stateless ones are built here"),
        (["-t", "10m", "img"], "-t is obsolete in xCAT, too"),
        (["--ignorekernelchk", "img"], "--ignorekernelchk is about the drivers of driverupdatesrc"),
        (["-l", "2q", "img"], "img: '2q' is not a size of the root"),
        (["--permission", "9", "img"], "'9' is not a legal value of 'permission'"),
        (["-p", "nosuch"], "Cannot find an osimage with provmethod=netboot profile=nosuch"),
        (["-a", "x86_64"], "several osimages have provmethod=netboot osarch=x86_64: "),
        (["nosuch"], "Cannot find image 'nosuch' from the osimage table."),
    ],
)
def test_what_is_refused_is_refused_with_the_reason_before_anything_is_done(
    tmp_path: Path, words: list[str], says: str
) -> None:
    with Site.open(tmp_path / "site") as site:
        define(site, "img", Path("/dev/null"), "")
        done = sb(site, *words)
        assert (done.returncode, done.stdout) == (1, "") and says in done.stderr
        assert not list(site.jobs.iterdir())


def test_an_image_is_found_by_what_it_is(tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site:
        for profile in ("a", "b"):
            define(site, profile, Path("/dev/null"), "")
        define(site, "installed", Path("/dev/null"), "", profile="only", provmethod="install")
        assert find_image(site, osvers="debian12", profile="b") == "b"
        assert find_image(site, profile="a", osarch="x86_64") == "a"
        with pytest.raises(NotFoundError, match="Cannot find an osimage"):
            find_image(site, profile="only")


def test_only_what_an_osimage_can_have_is_taken() -> None:
    assert checked("img", LINUX, {"kernelver": "6.1", "netdrivers": ""}) == {"kernelver": "6.1"}
    with pytest.raises(TypeError, match="genimage takes no profile"):
        checked("img", LINUX, {"profile": "x"})
    with pytest.raises(DefinitionError, match="imagetype value is linux"):
        checked("img", {}, {"kernelver": "6.1"})


@given(
    st.lists(st.sampled_from(["quiet", "rootlimit=1g", "rootlimit=50%", "a=b"])), st.sampled_from(["1", "9m", "50%"])
)
def test_the_limit_of_the_root_is_on_the_command_line_once(words: list[str], limit: str) -> None:
    before = {"addkcmdline": " ".join(words)}
    after = changed(before, {"rootlimit": limit}).get("addkcmdline", before["addkcmdline"]).split()
    assert [word for word in after if word.startswith("rootlimit=")] == [f"rootlimit={limit}"]
    assert [word for word in after if "rootlimit" not in word] == [word for word in words if "rootlimit" not in word]
    assert changed({"addkcmdline": " ".join(after)}, {"rootlimit": limit}) == {}
