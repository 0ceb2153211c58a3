"""What a node does after boot, in a root behind a real sshd and with the real service: scripts, files, reports."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import smallimage
from fleet import Fleet, sb
from noderoot import BUSYBOX
from waiting import until

from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.timeline import timeline
from sbkernel.nodes.remote.outcomes import Outcome
from sbkernel.nodes.remote.xdsh import xdsh
from sbkernel.service.client import Service
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def booted(nodes: Fleet, tmp_path: Path) -> Iterator[Fleet]:
    """A node that boots a version for which files are kept for boot, and the service."""
    site = nodes.site
    source = tmp_path / "source"
    source.mkdir()
    (source / "key").write_text("a secret key")
    (source / "key").chmod(0o400)
    (source / "always").write_text("#!/bin/sh\necho always\n")
    always = {"clause": "EXECUTEALWAYS", "sources": [str(source / "always")], "destination": "", "noderange": ""}
    kept = [
        {"clause": "", "sources": [str(source / "key")], "destination": "/etc/key", "noderange": "n1", "line": "l:1"},
        {**always, "line": "l:3"},
    ]
    smallimage.publish(site, b"root", IMAGE, syncfiles=kept)
    scripts = site.installdir / "postscripts"
    scripts.mkdir()
    (scripts / "late").write_text("echo late $NODE; test -e /etc/key\n")
    (scripts / "bad").write_text("for i in 1 2 3 4; do echo line $i; done; exit 3\n")
    site.set("node", "n1", xcatmaster="127.0.0.1", mac="52:54:00:00:00:01", postbootscripts="late,late again")
    service = Service(site).ensure()
    yield nodes
    service.stop()


def boot(fleet: Fleet) -> Outcome:
    """Lay the overlay over the root, leave what the initrd leaves, and run what the unit of the overlay runs."""
    site, run = fleet.site, fleet.root / "run/sbkernel"
    nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    with tarfile.open(site.boot / "nodes/n1.overlay.tar") as tar:
        tar.extractall(fleet.root, members=[one for one in tar if "sbkernel" in one.name], filter="tar")
    run.mkdir(exist_ok=True)
    (run / "busybox").write_bytes(BUSYBOX.read_bytes())
    (run / "busybox").chmod(0o755)
    (run / "boot").write_text(f"node=n1\nserver=127.0.0.1:{site.http_port}\nimage={'ab' * 32}\n")
    (run / "reported").touch()
    unit = (fleet.root / "etc/systemd/system/sbkernel-postscripts.service").read_text()
    start = next(line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart="))
    return xdsh(site, "n1", start)["n1"]


def status(site: Site) -> str:
    return site.nodes["n1"].get("status")


def test_files_come_first_then_scripts_and_the_node_is_booted(booted: Fleet) -> None:
    site = booted.site
    assert boot(booted).ok
    until(lambda: status(site) == "booted", seen=lambda: status(site))
    assert booted.text("/etc/key") == "a secret key"
    assert (booted.root / "etc/key").stat().st_mode & 0o777 == 0o400
    rows = [(row.stage, row.detail) for row in timeline(bootlog.read(site, "n1"))]
    scripts = [detail for stage, detail in rows if stage == "postscript"]
    assert [text.rpartition(", seconds")[0] for text in scripts] == [
        "script syncfiles, status 0",
        "script late, status 0",
        "script late, status 0",
    ]
    assert [stage for stage, _ in rows if stage != "postscript"][-3:] == ["postscripts", "syncfiles", "booted"]
    assert booted.text("/var/log/xcat/late.log") == "late n1\n"
    assert "a secret key" not in (site.root / "log/boot/n1.jsonl").read_text()
    assert not [path for path in site.boot.rglob("*") if path.is_file() and b"a secret key" in path.read_bytes()]
    assert "script late, status 0" in sb(site, "nodestat", "n1", "--timeline")[1]


def test_a_script_that_fails_makes_the_node_failed_and_the_others_run(booted: Fleet) -> None:
    site = booted.site
    site.set("node", "n1", postscripts="bad")
    assert boot(booted).status == 1
    until(lambda: status(site) == "failed", seen=lambda: status(site))
    (failed,) = [event for event in bootlog.read(site, "n1") if event["stage"] == "failed"]
    assert failed["reason"] == "postscripts failed: bad (3)"
    (row,) = [event for event in bootlog.read(site, "n1") if event.get("script") == "bad"]
    assert (row["status"], row["said"]) == (3, "line 2 line 3 line 4")
    assert booted.text("/var/log/xcat/late.log") == "late n1\n"


def test_scripts_that_nodeset_has_not_seen_do_not_run(booted: Fleet) -> None:
    """Who answers for the web server cannot bring other scripts."""
    site = booted.site
    assert boot(booted).ok
    (bundle,) = (site.boot / "postscripts").iterdir()
    content = bundle.read_bytes()
    bundle.write_bytes(content.replace(b"echo late", b"echo evil"))
    runner = booted.root / "usr/lib/sbkernel/postscripts/run"
    runner.write_text(runner.read_text().replace('"$try" -lt 30', '"$try" -lt 2'))
    assert xdsh(site, "n1", "sh /usr/lib/sbkernel/postscripts/run boot")["n1"].status == 1
    until(lambda: status(site) == "failed", seen=lambda: status(site))
    assert "evil" not in booted.text("/var/log/xcat/late.log")
    assert bootlog.read(site, "n1")[-1]["reason"] == "postscripts failed: the scripts could not be fetched"
