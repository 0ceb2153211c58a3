"""What a real site has: a bridge, DHCP and TFTP by dnsmasq, and nodes on a network of their own."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bootsector import TEXT, boot_sector
from waiting import until

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NAMESPACE = f"sbk{os.getpid()}"
NEW = ("pxe1", "http1", "new1")
ADDRESS, NODE_ADDRESS = "10.77.0.1", "10.77.0.21"


@pytest.fixture(scope="module")
def bridged(sb: Sb, first_demo: str) -> Iterator[Sb]:
    """The site of the demo, its service moved into a network namespace with the bridge br0."""
    sb("rpower", "vn1", "off", status=None)
    sb("service", "stop")
    inside = ["ip", "netns", "exec", NAMESPACE]
    ip(["netns", "add", NAMESPACE])
    try:
        for words in (
            "link set lo up",
            "link add br0 type bridge",
            f"addr add {ADDRESS}/24 dev br0",
            "link set br0 up",
        ):
            subprocess.run([*inside, "ip", *words.split()], check=True)
        sb("chdef", "-t", "site", f"master={ADDRESS}", "dhcpinterfaces=br0")
        sb("mkdef", "-t", "network", "-o", "cluster", "net=10.77.0.0", "mask=255.255.255.0", "mgtifname=br0")
        there = replace(sb, prefix=tuple(inside))
        yield there
        there("service", "stop", status=None)
    finally:
        sb("chdef", "-t", "site", "master=", "dhcpinterfaces=", status=None)
        ip(["netns", "del", NAMESPACE])


def ip(words: list[str]) -> None:
    subprocess.run(["ip", *words], check=True)


def wait_for_stages(sb: Sb, node: str, stages: set[str], timeout_s: float = 120) -> None:
    """The node says `userspace` when its network is up, and its login prompt does not wait for that."""

    def timeline() -> str:
        return sb("nodestat", node, "--timeline")

    until(lambda: stages <= set(timeline().split()), timeout_s, every_s=1, seen=timeline)


def test_a_node_boots_through_dhcp_and_tftp_on_a_bridge(bridged: Sb) -> None:
    bridged("mkvm", "vn2", "--network", "br0")
    bridged("chdef", "vn2", f"ip={NODE_ADDRESS}")
    assert "vn2: netboot debian12-x86_64-mycomputeimage" in bridged("nodeset", "vn2", "osimage=mycomputeimage")
    assert re.search(r"vn2: on", bridged("rpower", "vn2", "boot"))
    console = bridged("rcons", "vn2", "--until", "login:", "--for", "600", timeout_s=630)
    assert "vn2 login:" in console
    wait_for_stages(bridged, "vn2", {"power-on", "dhcp", "ipxe", "initrd", "verified", "userspace", "login"})
    assert "vn2: off" in bridged("rpower", "vn2", "off")


@pytest.fixture(scope="module")
def three(bridged: Sb) -> Iterator[Sb]:
    """Three machines that start at once: UEFI by PXE and iPXE, UEFI by HTTP and GRUB, and one that nobody knows."""
    bridged("mkvm", "pxe1", "--network", "br0", "--firmware", "uefi")
    bridged("mkvm", "http1", "--network", "br0", "--firmware", "uefi-http")
    bridged("mkvm", "new1", "--network", "br0", "--disk", "8M")
    with Path(bridged.attribute("node", "new1", "vmstorage")).open("r+b") as disk:
        disk.write(boot_sector())
    bridged("chdef", "http1", "netboot=grub2")
    for number, node in enumerate(NEW, 31):
        bridged("chdef", node, f"ip=10.77.0.{number}")
    bridged("nodeset", "pxe1,http1", "osimage=mycomputeimage")
    bridged("makedhcp", "new1")
    bridged("rpower", ",".join(NEW), "boot")
    yield bridged
    bridged("rpower", ",".join(NEW), "off")
    bridged("rmvm", ",".join(NEW))
    assert not list((bridged.site / "firmware").iterdir())


def console(sb: Sb, node: str) -> str:
    return (sb.site / f"log/consoles/{node}.log").read_text(errors="replace")


def test_uefi_boots_by_http_and_grub(three: Sb) -> None:
    wait_for_stages(three, "http1", {"dhcp", "grub", "kernel", "initrd"}, 600)
    three("rpower", "http1", "off")
    said = console(three, "http1")
    assert "Start HTTP Boot over IPv4" in said and "Welcome to GRUB!" in said and "PXE" not in said
    assert "ipxe" not in three("nodestat", "http1", "--timeline").split()


def test_a_machine_that_nothing_is_set_for_says_so_and_goes_on_to_its_disk(three: Sb) -> None:
    said = until(
        lambda: text if TEXT in (text := console(three, "new1")) else "", 400, seen=lambda: console(three, "new1")
    )
    assert f"Nothing is set for this machine: MAC {three.attribute('node', 'new1', 'mac')}" in said
    assert "nodeset NODE osimage=IMAGE" in said


def test_uefi_boots_by_pxe_and_ipxe(three: Sb) -> None:
    wait_for_stages(three, "pxe1", {"dhcp", "ipxe", "kernel", "initrd", "verified", "login"}, 600)
    said = console(three, "pxe1")
    assert "Start PXE over IPv4" in said
    assert "pxe1 login:" in said
