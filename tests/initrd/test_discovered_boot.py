"""A machine that nobody knows, beside a DHCP server that knows nothing of booting, becomes a node and boots."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import smallimage
from dhcplab import OURS, THEIRS, Lab, dhcp_lab, ip
from guest import MAC, Guest
from waiting import until

from sbkernel.netboot import bootlog
from sbkernel.netboot.discovery import discovered
from sbkernel.netboot.nodediscoverdef import nodediscoverdef
from sbkernel.service.client import Service
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"
pytestmark = pytest.mark.e2e


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site
        Service(site).stop()


@pytest.fixture
def lab(site: Site, tmp_path: Path) -> Iterator[Lab]:
    with dhcp_lab() as lab:
        site.set("network", "lab", net="10.78.0.0", mask="255.255.255.0", mgtifname="br0", dhcpserver=THEIRS)
        site.set("site", "clustersite", dhcpinterfaces="br0", master=OURS)
        lab.site_dhcp(tmp_path)
        lab.service(site.root)
        ip("-n", lab.ours, "tuntap", "add", "tap0", "mode", "tap")
        ip("-n", lab.ours, "link", "set", "tap0", "master", "br0", "up")
        yield lab


def test_it_is_adopted_and_boots_without_a_power_cycle(site: Site, lab: Lab) -> None:
    smallimage.publish(site, b"root", IMAGE)
    tap = f"tap,ifname=tap0,script=no,downscript=no,model=virtio-net-pci,mac={MAC}"
    uuid = "4c4c4544-0051-3010-8052-b4c04f564233"
    smbios = f"type=1,manufacturer=Dell Inc.,product=PowerEdge R650,serial=JX1,uuid={uuid}"
    guest = Guest(
        ["-boot", "n", "-smbios", smbios], memory_mb=256, network=tap, prefix=("ip", "netns", "exec", lab.ours)
    )
    try:
        (one,) = until(lambda: [one for one in discovered(site) if one.uuid], seen=lambda: guest.console[-3000:])
        assert (one.mac, one.uuid, one.interface) == (MAC, uuid, "br0")
        assert (one.manufacturer, one.product, one.serial) == ("Dell Inc.", "PowerEdge R650", "JX1")
        assert one.firmware.startswith("pcbios") and one.ip.startswith("10.78.0.1")
        done = nodediscoverdef(site, uuid, "n1", {"provmethod": IMAGE})
        assert done.problem is None
        until(
            lambda: {"ipxe", "kernel"} <= {event["stage"] for event in bootlog.read(site, "n1")},
            seen=lambda: guest.console[-3000:],
        )
        assert guest.is_on()
    finally:
        guest.stop()
