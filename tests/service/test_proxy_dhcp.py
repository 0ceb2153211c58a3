"""Proxy DHCP beside the site's own server: a machine gets its address from there, and from us where it boots."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dhcplab import MAC, OURS, THEIRS, Lab, dhcp_lab
from waiting import until

from sbkernel.netboot import bootlog
from sbkernel.netboot.dhcp.makedhcp import makedhcp
from sbkernel.service.boot.dhcplines import DhcpLines, Lease
from sbkernel.service.client import Service
from sbkernel.site import Site


@pytest.fixture
def lab() -> Iterator[Lab]:
    with dhcp_lab() as lab:
        yield lab


@pytest.fixture
def beside(site: Site, lab: Lab, service: Service, tmp_path: Path) -> Lab:
    site.set("node", "n1", groups="all", mac=MAC, ip="10.78.0.21")
    site.set("network", "lab", net="10.78.0.0", mask="255.255.255.0", mgtifname="br0", dhcpserver=THEIRS)
    site.set("site", "clustersite", dhcpinterfaces="br0", master=OURS)
    lab.site_dhcp(tmp_path)
    lab.service(site.root)
    return lab


def test_address_from_one_server_and_boot_file_from_the_other(site: Site, beside: Lab) -> None:
    script = f"http://{OURS}:{site.http_port}/boot/boot.ipxe"
    for arch, ipxe, file in (
        (0, False, "undionly.kpxe"),
        (7, False, "ipxe.efi"),
        (11, False, "ipxe-arm64.efi"),
        (7, True, script),
    ):
        found = beside.boot(arch, ipxe=ipxe, servers=2)
        (ack,) = found["acks"]
        assert (ack["server"], ack["file"]) == (THEIRS, "") and ack["yours"].startswith("10.78.0.1")
        assert [one["server"] for one in found["offers"] if one["yours"] == "0.0.0.0"] == [OURS]
        (told,) = found["proxies"]
        assert (told["server"], told["file"], told["yours"]) == (OURS, file, "0.0.0.0")
    until(lambda: [event["stage"] for event in bootlog.read(site, "n1")] == ["dhcp"])


def test_http_boot_gets_its_address_from_one_server_and_its_url_from_the_other(site: Site, beside: Lab) -> None:
    """Firmware takes a URL only from who calls itself HTTPClient, and asks nobody on port 4011 (UEFI 2.10, 24.7)."""
    for arch, loader in ((16, "ipxe.efi"), (19, "ipxe-arm64.efi")):
        found = beside.boot(arch, servers=2)
        (ack,) = found["acks"]
        assert (ack["server"], ack["file"]) == (THEIRS, "")
        (offer,) = [one for one in found["offers"] if one["yours"] == "0.0.0.0"]
        url = f"http://{OURS}:{site.http_port}/boot/loaders/{loader}"
        assert (offer["server"], offer["vendor"], offer["file"]) == (OURS, "HTTPClient", url)
    (offer,) = [one for one in beside.boot(7, servers=2)["offers"] if one["yours"] == "0.0.0.0"]
    assert offer["vendor"] == "PXEClient", "PXE firmware is answered as before"


def test_a_dnsmasq_that_is_too_old_is_not_told_of_vendors_and_the_log_says_what_to_set(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.set("network", "lab", net="10.78.0.0", mask="255.255.255.0", mgtifname="br0", dhcpserver=THEIRS)
    assert "dhcp-pxe-vendor=PXEClient,HTTPClient" in makedhcp(site, {"br0": OURS}).read_text()
    (old := tmp_path / "dnsmasq").write_text("#!/bin/sh\necho '--pxe-service=<CSA>'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "dhcp-pxe-vendor" not in makedhcp(site, {"br0": OURS}).read_text()
    assert "option 60 HTTPClient and option 67 http://SERVER:" in caplog.text
    site.set("network", "lab", dhcpserver="")
    caplog.clear()
    assert "dhcp-pxe-vendor" not in makedhcp(site, {"br0": OURS}).read_text() and not caplog.text


def test_what_is_not_firmware_is_left_to_the_other_server(beside: Lab) -> None:
    plain = ["busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "20", "-s", "/bin/true"]
    done = subprocess.run(["ip", "netns", "exec", beside.machine, *plain], capture_output=True, text=True, check=True)
    assert f"obtained from {THEIRS}" in done.stdout + done.stderr


def test_a_network_whose_server_is_this_host_is_served_whole(site: Site, lab: Lab, service: Service) -> None:
    site.set("node", "n1", groups="all", mac=MAC, ip="10.78.0.21")
    site.set("network", "lab", net="10.78.0.0", mask="255.255.255.0", mgtifname="br0", dhcpserver=OURS)
    site.set("site", "clustersite", dhcpinterfaces="br0", master=OURS)
    lab.service(site.root)
    (ack,) = lab.boot(0)["acks"]
    assert (ack["yours"], ack["file"], ack["server"]) == ("10.78.0.21", "undionly.kpxe", OURS)
    site.set("site", "clustersite", dhcpbackend="kea")
    conf = site.run / "dhcp/dnsmasq.conf"
    until(lambda: "dhcp-range" not in conf.read_text())
    assert "enable-tftp" in conf.read_text()


def test_a_proxy_hears_of_no_address() -> None:
    lines = DhcpLines()
    lines.feed("dnsmasq-dhcp[9]: 77 vendor class: PXEClient:Arch:00007:UNDI:003016")
    assert lines.feed("dnsmasq-dhcp[9]: 77 PXE(br0) 52:54:00:00:00:05 proxy") == Lease("52:54:00:00:00:05", "", "br0")
