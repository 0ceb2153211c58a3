"""Virtual nodes for one purpose: they go, whatever happens to the process that made them."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from sbkernel.files import is_held
from sbkernel.netboot import bootfiles, bootlog
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.scripts import mac_path, overlay_path, script_path
from sbkernel.nodes.mkvm import mkvm
from sbkernel.nodes.virtual.throwaway import names, sweep, throwaway
from sbkernel.site import Site

_MAKER = """
import sys, time
from sbkernel.nodes.virtual.throwaway import throwaway
from sbkernel.site import Site
with Site.open(sys.argv[1]) as site, throwaway(site, "testboot", memory_mb=128) as node:
    print(node, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "a site") as opened:
        yield opened


def leave_traces(site: Site, node: str) -> None:
    """Let a node have all that one has which has booted."""
    mac = site.nodes[node].get("mac").replace(":", "-")
    script = f"#!ipxe\n# netboot x\n# {mac} {node}: a test\n".encode()
    by_mac = f"chain ../nodes/{node}.ipxe\n".encode()
    files = {script_path(node): script, mac_path(mac): by_mac, overlay_path(node): b"x"}
    with bootfiles.BootFiles(site.boot) as boot:
        boot.apply(BootPlan(node, "netboot x", mac, files), boot.scripts(node))
    bootlog.append(site, node, "login")
    for name in (f"{node}.log", f"{node}.index"):
        (site.consoles / name).write_text("x")
    (site.run / f"{node}.tftp").mkdir()


def traces(site: Site, node: str) -> list[str]:
    tops = (site.boot, site.log, site.run)
    return [str(path) for top in tops for path in top.rglob("*") if node in path.name or "by-mac" in str(path.parent)]


def maker(site: Site) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _MAKER, str(site.root)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_it_goes_with_all_that_it_left(site: Site) -> None:
    mkvm(site, "vm1")
    known = site.history()
    with throwaway(site, "testboot", memory_mb=512) as node:
        made = site.nodes[node]
        assert (made.get("vmmemory"), made.get("groups"), made.get("throwaway")) == ("512", "testboot", "testboot")
        assert site.noderange("all") == ["vm1"], "nobody powers it with all others"
        leave_traces(site, node)
        assert len(traces(site, node)) >= 6
        assert sweep(site) == [], "its maker lives"
    assert list(site.nodes) == ["vm1"] and traces(site, node) == []
    assert site.history().equals(known), "sb undo takes back what people have changed"


def test_an_error_or_an_interrupt_removes_it_too(site: Site) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), throwaway(site, "testboot", memory_mb=128):
            raise error
    assert names(site) == []


def test_two_at_a_time_do_not_get_into_each_others_way(site: Site) -> None:
    with throwaway(site, "testboot", memory_mb=128) as one, throwaway(site, "testboot", memory_mb=128) as two:
        assert names(site) == sorted([one, two])
        ways = [[site.nodes[node].get(key) for key in ("mac", "bmc", "vmsshport")] for node in (one, two)]
        assert not set(ways[0]) & set(ways[1])


def test_the_next_one_removes_what_a_killed_maker_has_left(site: Site) -> None:
    with maker(site) as process:
        assert process.stdout
        node = process.stdout.readline().strip()
        leave_traces(site, node)
        process.kill()
        process.wait()
        assert names(site) == [node] and not is_held(site.run / f".{node}.lock")
        with throwaway(site, "testboot", memory_mb=128) as other:
            assert names(site) == [other]
        assert names(site) == [] and traces(site, node) == []


def test_the_process_of_the_virtual_nodes_removes_it_at_once(site: Site) -> None:
    """Also one whose maker died while no such process ran, and another that dies while it runs."""
    host = [sys.executable, "-m", "sbkernel.nodes.virtual", "--site", str(site.root)]
    with maker(site) as first:
        assert first.stdout
        assert first.stdout.readline()
        first.kill()
    mkvm(site, "vm1")
    log = site.log / "virtual.log"
    log.touch()
    with subprocess.Popen(host) as running, contextlib.ExitStack() as stack:
        stack.callback(running.send_signal, signal.SIGTERM)
        until(lambda: names(site) == [], unless=lambda: running.poll() is not None)
        with maker(site) as second:
            assert second.stdout
            node = second.stdout.readline().strip()
            until(lambda: f"{node}: BMC listens" in log.read_text(), unless=lambda: running.poll() is not None)
            assert names(site) == [node]
            second.kill()
            until(lambda: names(site) == [])
            until(lambda: f"{node}: BMC removed" in log.read_text())
            assert f"{node}: removed, for the process that made it has ended" in log.read_text()
            assert list(site.nodes) == ["vm1"]
