"""What goes wrong while a node is captured: the tree that was there stays, nothing half made is left, here or there."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobwatch import until_gone, worker_pid
from noderoot import make_root
from smallbuild import Recorder, assert_nothing_left, processes
from sshd import Sshd, cut, sshd
from waiting import until

from sbkernel.errors import JobCancelledError, JobError, NodeError
from sbkernel.images.capture.chosen import Chosen
from sbkernel.images.capture.look import Entry
from sbkernel.images.capture.receive import receive
from sbkernel.jobs.job import Job
from sbkernel.netboot import bootlog
from sbkernel.nodes.capture import RunningNode, capture, order_capture
from sbkernel.site import Site

SLOW = """\
#!/bin/sh
/usr/bin/tar.real "$@" | (busybox head -c 300000; while busybox sleep 0.1; do printf x; done)
"""
HERE = Path(__file__).resolve().parent


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[Sshd]:
    """A node n1 that was captured as "taken", and changed since."""
    root = make_root(tmp_path / "root", "debian12")
    with sshd(site, "n1", root, tmp_path / "sshd") as running:
        capture(site, "n1", "taken")
        (root / "etc/app.conf").write_text("after\n")
        yield running


def half_way(site: Site, server: Sshd) -> Job:
    """Capture again, and return while what comes stops to come, but for a byte now and then."""
    program = server.root / "usr/bin/tar"
    program.rename(program.with_name("tar.real"))
    program.write_text(SLOW)
    program.chmod(0o755)
    job = order_capture(site, "n1", "taken")
    come = "netboot/*/*/*/.new/rootimg/bin"
    until(lambda: list(site.installdir.glob(come)), 60, unless=lambda: job.done, seen=lambda: job.log_path.read_text())
    return job


def assert_the_old_one_stays(site: Site, server: Sshd) -> None:
    (tree,) = site.installdir.glob("netboot/*/*/*/rootimg")
    assert (tree / "etc/app.conf").read_text() == "tuned=1\n"
    until(lambda: not server.tars())
    until(lambda: not processes(site))
    assert_nothing_left(site)


def test_a_connection_that_is_cut_half_way(site: Site, server: Sshd) -> None:
    job = half_way(site, server)
    cut(server)
    with pytest.raises(JobError, match=r"^imgcapture: n1: (no ssh|the connection was cut|what it sends broke off)"):
        job.wait(60)
    assert_the_old_one_stays(site, server)


def test_cancelled_half_way(site: Site, server: Sshd) -> None:
    job = half_way(site, server)
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(60)
    assert_the_old_one_stays(site, server)


def test_killed_half_way_the_next_capture_begins_anew(site: Site, server: Sshd) -> None:
    job = half_way(site, server)
    session = worker_pid(job)
    os.kill(session, signal.SIGKILL)
    until_gone(session)
    (tree,) = site.installdir.glob("netboot/*/*/*/rootimg")
    assert (tree / "etc/app.conf").read_text() == "tuned=1\n"
    until(lambda: not server.tars())
    (server.root / "usr/bin/tar.real").replace(server.root / "usr/bin/tar")
    capture(site, "n1", "taken")
    assert (tree / "etc/app.conf").read_text() == "after\n"
    assert_nothing_left(site)


def test_what_vanishes_on_the_node_meanwhile_is_said(site: Site, server: Sshd, tmp_path: Path) -> None:
    report = Recorder()
    chosen = Chosen((Entry("./etc", "d"), Entry("./etc/gone", "f"), Entry("./etc/app.conf", "f", "1", 8)), {})
    receive(RunningNode(site, "n1"), chosen, tmp_path / "tree", report)
    assert (tmp_path / "tree/etc/app.conf").read_text() == "after\n"
    assert report.lines[0] == "n1: tar: ./etc/gone: Cannot stat: No such file or directory"
    wrong = Chosen((*chosen.entries, Entry("./etc/app.conf/x", "f")), {})
    with pytest.raises(NodeError, match=r"n1: the command failed there: tar: \./etc/app\.conf/x: Cannot stat: Not a"):
        receive(RunningNode(site, "n1"), wrong, tmp_path / "other", report)


def test_a_node_that_is_not_who_it_was_or_does_not_answer(site: Site, server: Sshd) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0MkxBuHOVeFUtwRf5XlDpXqlPkVQ3OCIoNgWHyRkRo"
    bootlog.append(site, "n1", "userspace", hostkey=key)
    with pytest.raises(NodeError, match="n1: its host key is not the one it reported"):
        capture(site, "n1", "other")
    site.set("node", "n1", vmsshport="1")
    with pytest.raises(NodeError, match=r"n1: no ssh: .*Connection refused"):
        capture(site, "n1", "other")
    assert "other" not in site.osimages
    assert_the_old_one_stays(site, server)


def test_a_disk_that_is_full_here(tmp_path: Path) -> None:
    """The site lies on a small tmpfs of a namespace of its own, with few inodes first, then with few bytes."""
    argv = ["unshare", "--mount", sys.executable, HERE / "capturefull.py", tmp_path]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "capture n1: no space left on the disk of" in done.stdout
    assert re.search(r"the files of other take \d+ MB, and \d+ MB are free", done.stdout)
