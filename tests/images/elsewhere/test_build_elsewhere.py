"""genimage on a build host: a real sshd, the real package manager, and the digest of a build on this host."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sshhost
from click.testing import CliRunner
from localsite import Local, place_of
from ordinaryuser import USER, home
from smallbuild import EVERYTHING, assert_nothing_left, define, processes
from sshhost import SshHost
from waiting import until

from sbkernel import resources
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import BuildError, JobCancelledError, JobError
from sbkernel.images.elsewhere.genimage import genimage_on
from sbkernel.images.order import order_genimage
from sbkernel.images.packimage import packimage
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.job import Job
from sbkernel.records.run import run_notebook
from sbkernel.site import Site

__all__ = ["home"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    with sshhost.ssh_host(tmp_path_factory.mktemp("host")) as host, host.sshd():
        yield host


@pytest.fixture(autouse=True)
def reached(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    sshhost.use(host, monkeypatch)


def sb(site: Site, *words: str) -> str:
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)
    assert done.exception is None, done.output
    return done.output


def phases(job: Job) -> list[str]:
    return [title for title, _ in job.progress.phases]


@pytest.fixture(scope="module")
def built(local: Local, host: SshHost) -> list[Job]:
    """Two images, built there side by side."""
    with pytest.MonkeyPatch.context() as patched:
        sshhost.use(host, patched)
        local.site.set("osimage", "small", buildhost=sshhost.NAME)
        define(local.site, "second", local.pkglist, local.pkgdir)
        jobs = [order_genimage(local.site, "small"), order_genimage(local.site, "second", on=sshhost.NAME)]
        return [job.wait(300) for job in jobs]


def test_what_is_built_there_is_what_is_built_here(local: Local, host: SshHost, built: list[Job]) -> None:
    site = local.site
    assert built[0].result["built"] == EVERYTHING
    assert set(built[1].result["built"]) >= {"tree", "kernel", "initrd"}
    assert f"digest:{local.digest}\n" in sb(site, "packimage", "small", "--force")
    assert (place_of(site, "second").tree / "usr/bin/own-tool").exists()
    packimage(site, "second")
    assert f"built on  {socket.gethostname()}, as build1\n" in sb(site, "images", "second", "--why")
    assert built[0].id in place_of(site, "small").path.joinpath("plan.json").read_text()
    until(lambda: not host.processes)
    assert_nothing_left(site)


@pytest.mark.usefixtures("built")
def test_a_second_run_builds_nothing_and_brings_nothing(local: Local) -> None:
    site, place = local.site, place_of(local.site, "small")
    before = {path: path.lstat().st_mtime_ns for path in place.path.iterdir() if not path.name.startswith(".")}
    packimage(site, "small")
    assert "nothing to do: nothing has changed" in sb(site, "genimage", "small")
    assert {path: path.lstat().st_mtime_ns for path in before} == before
    assert "Nothing has changed since it was packed." in sb(site, "packimage", "small")
    remove_tree(place.path)
    job = order_genimage(site, "small").wait(300)
    assert job.result["built"] == [] and "unpack the tree" in phases(job)
    assert packimage(site, "small", force=True)["digest"] == local.digest


@pytest.mark.usefixtures("built")
def test_the_notebook_builds_there_and_shows_where(local: Local) -> None:
    record = run_notebook(local.site, resources.notebooks() / "elsewhere.ipynb", {"image": "second", "on": "build1"})
    assert record.ok, record.error
    assert f"built on  {socket.gethostname()}, as build1" in record.path_ipynb.read_text()


@pytest.mark.usefixtures("built")
def test_only_what_differs_is_brought(local: Local) -> None:
    place = place_of(local.site, "small")
    record = place.record()
    other = {**record["outcomes"], "kernel": {**record["outcomes"]["kernel"], "digest": "of another kernel"}}
    (place.path / "plan.json").write_text(json.dumps({**record, "outcomes": other}))
    place.kernel.write_text("another kernel")
    job = order_genimage(local.site, "small").wait(300)
    assert job.result["built"] == [] and "unpack the tree" not in phases(job)
    assert place.record()["outcomes"] == record["outcomes"]
    assert packimage(local.site, "small", force=True)["digest"] == local.digest


@pytest.mark.usefixtures("built")
def test_with_a_shared_directory_nothing_is_copied(local: Local, tmp_path: Path) -> None:
    site, shared = local.site, tmp_path / "install"
    shared.mkdir()
    site.set("site", "clustersite", installdir=str(shared))
    define(site, "common", local.pkglist, local.pkgdir, buildhost=sshhost.NAME, buildshared="1")
    try:
        job = order_genimage(site, "common").wait(300)
        assert "packages" not in job.result["built"] and "unpack the tree" not in phases(job)
        assert (shared / "netboot/debian12/x86_64/common/rootimg/usr/bin/own-tool").exists()
        assert packimage(site, "common")["packages"] > 50
        assert "nothing to do" in sb(site, "genimage", "common")
    finally:
        site.set("site", "clustersite", installdir="")
        site.delete("osimage", "common")
    assert not list(shared.glob(".shared*"))


def test_a_host_that_lacks_programs_is_told_so_first(local: Local, host: SshHost) -> None:
    address = f"{sshhost.NAME}:{sshhost.OTHER_PORT}"
    with host.sshd("mmdebstrap", "zstd", port=sshhost.OTHER_PORT), pytest.raises(BuildError) as caught:
        genimage_on(local.site, "second", on=address)
    assert caught.value.message == f"{address} lacks programs that build this image: mmdebstrap, zstd"
    assert caught.value.hint == "there: apt-get install --no-install-recommends mmdebstrap zstd"


Fault = Callable[[SshHost, Job], object]
FAULTS: dict[str, tuple[Fault, type[Exception], str]] = {
    "the connection": (lambda host, _: host.kill_sessions(), JobError, "the connection to build1 was lost"),
    "the worker here": (lambda _, job: job.kill(), JobError, "killed"),
    "the cable": (lambda host, _: host.cut(), JobError, "the connection to build1 was lost"),
    "patience": (lambda _, job: job.cancel(), JobCancelledError, "cancelled"),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the postinstall script says that it has begun, and is told to end."""
    return tmp_path_factory.mktemp("gate")


@pytest.fixture
def begun(local: Local, gate: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Job]:
    """A build that has come to its postinstall script."""
    script = local.pkglist.with_name("wait.sh")
    waits = f"touch {gate}/begun\nuntil test -e {gate}/go; do sleep 0.1; done\n"
    script.write_text(f"#!/bin/sh\n# sb-inputs: none\n{waits}")
    script.chmod(0o755)
    define(local.site, "gated", local.pkglist, local.pkgdir, postinstall=str(script))
    if request.getfixturevalue("fault") == "the cable":
        monkeypatch.setenv("SBKERNEL_SSH_TIMEOUT", "8")
    (gate / "begun").unlink(missing_ok=True)
    job = order_genimage(local.site, "gated", on=sshhost.NAME)  # its packages are there: others have them, too
    until((gate / "begun").exists, 200, unless=lambda: job.done, seen=lambda: job.tail())
    yield job
    if not job.done:
        job.kill()


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("fault", [*FAULTS, ""])
def test_what_is_lost_half_way_leaves_nothing_and_goes_on_later(
    local: Local, host: SshHost, gate: Path, begun: Job, fault: str
) -> None:
    if fault:
        do, error, reason = FAULTS[fault]
        do(host, begun)
        try:
            with pytest.raises(error, match=reason):
                begun.wait(60)
            until(lambda: not host.processes, 60, seen=lambda: host.processes)
        finally:
            host.mend()
        assert not place_of(local.site, "gated").tree.exists()
    else:
        (gate / "go").touch()
        built = begun.wait(300).result["built"]
        assert "postinstall" in built and "packages" not in built
    until(lambda: not host.processes + processes(local.site), seen=lambda: host.processes + processes(local.site))
    assert str(host.cache).replace(" ", "\\040") not in Path("/proc/self/mountinfo").read_text()
    if fault != "the worker here":  # the next order removes what one that was killed has left
        assert_nothing_left(local.site)


def test_an_ordinary_user_of_the_host_builds_the_same(
    local: Local, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["usermod", "--password", "*", USER], check=True)  # else its account is locked
    remove_tree(place_of(local.site, "small").path)
    with sshhost.ssh_host(tmp_path, USER) as other, other.sshd():
        sshhost.use(other, monkeypatch)
        job = order_genimage(local.site, "small", on=sshhost.NAME).wait(300)
        assert job.result["built"] == EVERYTHING
        assert packimage(local.site, "small", force=True)["digest"] == local.digest
        until(lambda: not other.processes)
        # Its files belong to the user's subordinate ids.
        subprocess.run(["rm", "-rf", other.cache], check=True)
