"""sb simulate through the command line: BMCs that rpower reaches, boots that nodestat sees, consoles."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
import smallimage
from waiting import until

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.nodes.practice.image import practice_image
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


def simulate(site: Site, *words: str) -> str:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "simulate", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def last_stages(site: Site) -> dict[str, str]:
    logs = ((name, bootlog.read(site, name)) for name in site.noderange("simulated"))
    return {name: events[-1]["stage"] for name, events in logs if events}


def test_practice(site: Site, service: Service) -> None:
    smallimage.publish(site, b"root", IMAGE)
    said = simulate(site, "12", "--speed", "1000", "--panic", "10%", "--stuck", "fetched=10%", "--seed", "1")
    assert "12 made" in said
    assert "12 nodes sim[0001-0012] in the group simulated, 12 BMCs listen" in said
    assert simulate(
        site, "12", "--speed", "1000", "--panic", "10%", "--stuck", "fetched=10%", "--seed", "1"
    ).startswith("nothing to do\n")
    troubled = {name: site.nodes[name].get("simulated").split(",")[0] for name in site.noderange("simulated")}
    assert Counter(troubled.values()) == {"ok": 10, "panic": 1, "stuck=fetched": 1}
    assert not nodeset(site, "simulated", f"osimage={IMAGE}").errors
    results = verbs.rpower(site, "simulated", "boot", confirm=12, rate="none")
    assert {result.text for result in results} == {"on"}
    ends = {"ok": "login", "panic": "failed", "stuck=fetched": "initrd"}
    until(lambda: last_stages(site) == {name: ends[trouble] for name, trouble in troubled.items()},
          seen=lambda: last_stages(site))  # fmt: skip
    sound = next(name for name, trouble in troubled.items() if trouble == "ok")
    until(lambda: site.nodes[sound].get("status") == "booted")
    until(lambda: f"{sound} login:" in verbs.console_tail(site, sound))
    # What is wrong with a node can be changed while it runs; its power goes with its BMC.
    site.set("node", sound, simulated="ok,speed=500")
    until(lambda: verbs.rpower(site, sound, "stat")[0].text == "off")
    status = service.status()
    assert status is not None
    assert list(status["children"]) == ["simulated nodes"]
    assert simulate(site, "--stop") == "12 simulated nodes removed\n"
    assert not list(site.nodes)
    until(lambda: (now := service.status()) is not None and not now["children"])
    assert not (site.run / "practice.json").exists()
    assert simulate(site).startswith("no node is simulated")


def test_bmcs_reached_by_redfish_and_roots_of_other_kinds(site: Site, service: Service) -> None:
    simulate(site, "4", "--redfish", "50%", "--speed", "1000")
    assert sorted(site.nodes[name].get("mgt") for name in site.nodes) == ["ipmi", "ipmi", "redfish", "redfish"]
    assert {result.text for result in verbs.rpower(site, "simulated", "on")} == {"on"}
    assert {result.text for result in verbs.rsetboot(site, "simulated", "net")} == {"Network"}
    kinds = ("lazy", "disk", "tmpfs", "zram")
    names = site.noderange("simulated")
    for name, kind in zip(names, kinds, strict=True):
        site.set("node", name, rootkind=kind)
    assert not nodeset(site, "simulated", f"osimage={practice_image(site)}").errors
    verbs.rpower(site, "simulated", "boot", rate="none")
    until(lambda: set(last_stages(site).values()) == {"login"} and len(last_stages(site)) == 4,
          seen=lambda: last_stages(site))  # fmt: skip
    posts = {
        kind: {one["stage"]: one for one in bootlog.read(site, name)} for kind, name in zip(kinds, names, strict=True)
    }
    size = Catalog(site).current("practice").root_size
    assert [posts[kind]["fetched"]["bytes"] for kind in kinds] == [0, size, size, size]
    assert 0 < posts["lazy"]["userspace"]["bytes"] < size and posts["disk"]["mounted"]["disk"] == "made"
    service.stop()  # their certificate is that which the site knows, when they come back
    assert {result.text for result in verbs.rpower(site, "simulated", "stat")} == {"off"}


@pytest.mark.usefixtures("service")
def test_dead_and_lossy_bmcs(site: Site) -> None:
    simulate(site, "10", "--dead", "20%", "--loss", "5%", "--no-consoles", "--seed", "2")
    results = {result.node: result for result in verbs.rpower(site, "simulated", "stat")}
    dead = [name for name in results if "dead" in site.nodes[name].get("simulated")]
    assert len(dead) == 2
    assert all("no answer from BMC 127." in results[name].text for name in dead)
    assert sum(result.ok for result in results.values()) >= 7  # of 8 that live, though packets are lost
