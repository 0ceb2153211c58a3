"""DHCP by dnsmasq in a network namespace of its own, asked by a real client; and what its log tells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from waiting import until

from sbkernel.errors import ServiceError
from sbkernel.netboot import bootlog
from sbkernel.service.boot.dhcplines import DhcpLines, Lease
from sbkernel.service.client import Service
from sbkernel.service.interfaces import address_of, dhcp_interfaces
from sbkernel.site import Site

SERVER, CLIENT = f"sbs{os.getpid()}", f"sbc{os.getpid()}"
MAC = "52:54:00:00:00:21"
CLIENT_AS_FIRMWARE = ["busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "10", "-s", "/bin/true"]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def cable() -> Iterator[None]:
    """Two namespaces joined by a cable: `srv0` with our address, `eth0` with the node's MAC address."""
    try:
        for name in (SERVER, CLIENT):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", SERVER, "link", "add", "srv0", "type", "veth", "peer", "name", "eth0", "netns", CLIENT)
        ip("-n", CLIENT, "link", "set", "eth0", "address", MAC)
        ip("-n", SERVER, "addr", "add", "10.78.0.1/24", "dev", "srv0")
        ip("-n", SERVER, "link", "set", "srv0", "up")
        ip("-n", CLIENT, "link", "set", "eth0", "up")
        yield
    finally:
        for name in (SERVER, CLIENT):
            subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def served(site: Site, cable: None, service: Service) -> Service:
    site.set("node", "n1", groups="all", mac=MAC, ip="10.78.0.21")
    site.set("network", "cluster", net="10.78.0.0", mask="255.255.255.0", mgtifname="srv0")
    site.set("site", "clustersite", dhcpinterfaces="srv0", master="10.78.0.1")
    start = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "service", "start"]
    subprocess.run(["ip", "netns", "exec", SERVER, *start], check=True, timeout=60)
    return service


def ask(*options: str) -> str:
    command = ["ip", "netns", "exec", CLIENT, *CLIENT_AS_FIRMWARE, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr


def test_firmware_gets_its_address_and_that_is_a_stage(served: Service) -> None:
    assert "10.78.0.21" in ask()
    assert bootlog.read(served.site, "n1") == []
    assert "10.78.0.21" in ask("-V", "PXEClient:Arch:00000:UNDI:002001")
    until(lambda: bootlog.read(served.site, "n1"))
    (event,) = bootlog.read(served.site, "n1")
    assert (event["stage"], event["ip"]) == ("dhcp", "10.78.0.21")
    fetch = ["busybox", "wget", "-q", "-O", "-", f"http://10.78.0.1:{served.site.http_port}/boot/boot.ipxe"]
    ip("-n", CLIENT, "addr", "add", "10.78.0.21/24", "dev", "eth0")
    script = subprocess.run(["ip", "netns", "exec", CLIENT, *fetch], capture_output=True, text=True, check=True)
    assert script.stdout.startswith("#!ipxe")


def test_dnsmasq_is_kept_running_follows_the_networks_and_goes_with_the_service(served: Service) -> None:
    def pid() -> int | None:
        status = served.status()
        return status["children"]["dnsmasq"] if status else None

    until(pid)
    first = pid()
    assert first is not None
    os.kill(first, 9)
    until(lambda: pid() not in (None, first))
    second = pid()
    served.site.set("network", "cluster", dynamicrange="10.78.0.100-10.78.0.120")
    until(lambda: pid() not in (None, second))
    last = pid()
    status = served.status()
    assert status is not None
    os.kill(status["pid"], 9)
    until(lambda: not os.path.exists(f"/proc/{last}"))  # noqa: PTH110 - a pid, not a file


def test_an_interface_without_a_network_is_reported(site: Site, cable: None, service: Service) -> None:
    site.set("site", "clustersite", dhcpinterfaces="host|lo")
    with pytest.raises(ServiceError, match="there is no network for the interface lo"):
        service.ensure()
    site.set("site", "clustersite", dhcpinterfaces="eth99")
    with pytest.raises(ServiceError, match="interface eth99 has no IPv4 address"):
        service.ensure()


def test_interfaces(site: Site) -> None:
    site.set("site", "clustersite", dhcpinterfaces="mn|eth1, eth2")
    assert dhcp_interfaces(site) == ["eth1", "eth2"]
    site.set("site", "clustersite", dhcpinterfaces=None)
    assert dhcp_interfaces(site) == []
    assert address_of("lo") == "127.0.0.1"


def test_only_firmware_counts() -> None:
    lines = DhcpLines()
    ack = "dnsmasq-dhcp: 77 DHCPACK(br0) 10.0.0.5 52:54:00:00:00:05 n5"
    assert lines.feed(ack) is None
    assert lines.feed("dnsmasq-dhcp[9]: 77 vendor class: PXEClient:Arch:00007:UNDI:003016") is None
    assert lines.feed(ack) == Lease("52:54:00:00:00:05", "10.0.0.5", "br0")
    unknown = "dnsmasq-dhcp[9]: 77 DHCPDISCOVER(br0) 52:54:00:00:00:06 no address available"
    assert lines.feed(unknown) == Lease("52:54:00:00:00:06", "", "br0", answered=False)
    assert lines.feed("dnsmasq: started, version 2.89") is None
