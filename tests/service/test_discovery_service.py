"""Unknown machines as the service hears of them: by DHCP, and by the boot script; and what it tells them."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from dhcplab import MAC, OURS, Lab, dhcp_lab
from waiting import until

from sbkernel.netboot.discovery import discovered
from sbkernel.netboot.nodediscoverdef import nodediscoverdef
from sbkernel.netboot.nodeset import nodeset
from sbkernel.service.client import Service
from sbkernel.site import Site

UNKNOWN = "52-54-00-00-00-99"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with dhcp_lab() as lab:
        yield lab


def ask(site: Site, query: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.http_port}/discovery?{query}") as answer:
        return str(answer.read().decode())


def test_the_boot_server_lists_who_is_no_node(site: Site, service: Service) -> None:
    site.set("node", "n1", groups="all", mac=MAC)
    service.ensure()
    query = f"tries=1&mac={UNKNOWN}&platform=efi&buildarch=x86_64&product=PowerEdge%20R650+&serial=%1b%5b2J"
    assert ask(site, query) == "#!ipxe\nset most:int32 60\n"
    assert ask(site, f"mac={MAC}&tries=1").endswith("most:int32 4\n"), "a node goes on"
    ask(site, "mac=..%2F..&tries=x")
    (one,) = until(lambda: discovered(site))
    assert (one.mac, one.product, one.firmware, one.interface) == (
        "52:54:00:00:00:99", "PowerEdge R650+", "efi x86_64", "127.0.0.1",
    )  # fmt: skip
    assert "\x1b" not in one.serial


def test_how_long_a_machine_waits_is_a_setting(site: Site, service: Service) -> None:
    site.set("site", "clustersite", discoverwait="0")
    service.ensure()
    assert ask(site, f"mac={UNKNOWN}&tries=1").endswith("most:int32 4\n")
    assert ask(site, f"mac={UNKNOWN}&tries=7").endswith("most:int32 7\n"), "it stops when it asks next"
    site.set("site", "clustersite", discoverwait="3600")
    until(lambda: ask(site, f"mac={UNKNOWN}&tries=1").endswith("most:int32 720\n"))


def test_who_becomes_a_node_waits_until_it_is_set_to_something(site: Site, service: Service) -> None:
    service.ensure()
    assert ask(site, f"mac={UNKNOWN}&tries=1").endswith("most:int32 60\n")
    until(lambda: discovered(site))
    nodediscoverdef(site, UNKNOWN, "n1")
    until(lambda: ask(site, f"mac={UNKNOWN}&tries=2").endswith("most:int32 60\n"))
    nodeset(site, "n1", "offline")
    until(lambda: ask(site, f"mac={UNKNOWN}&tries=3").endswith("most:int32 4\n"))


def test_dhcp_lists_a_machine_that_gets_no_address(site: Site, lab: Lab, service: Service) -> None:
    site.set("network", "lab", net="10.78.0.0", mask="255.255.255.0", mgtifname="br0")
    site.set("site", "clustersite", dhcpinterfaces="br0", master=OURS)
    lab.service(site.root)
    (one,) = until(lambda: lab.boot(0, tries=1)["acks"] == [] and discovered(site))
    assert (one.mac, one.interface, one.ip) == (MAC, "br0", "")


def test_a_flood_is_listed_in_part_and_others_are_served(site: Site, service: Service) -> None:
    service.ensure()
    for number in range(1200):
        ask(site, f"mac=02-00-00-00-{number // 256:02x}-{number % 256:02x}&tries=1")
    until(lambda: len(discovered(site)) > 900)
    assert len(discovered(site)) <= 1000
    ask(site, f"mac={UNKNOWN}&tries=1")
    until(lambda: any(one.mac == "52:54:00:00:00:99" for one in discovered(site)))


def test_a_list_that_cannot_be_written_stops_nothing_else(site: Site, service: Service) -> None:
    service.ensure()
    in_the_way = site.log / "discovered.json"
    in_the_way.mkdir()

    def troubles() -> list[str]:
        status = service.status()
        return [loop["error"] for loop in status["loops"] if loop["name"] == "discovered machines"] if status else []

    assert ask(site, f"mac={UNKNOWN}&tries=1").startswith("#!ipxe")
    until(lambda: any("Is a directory" in error for error in troubles()), seen=troubles)
    in_the_way.rmdir()
    until(lambda: ask(site, f"mac={UNKNOWN}&tries=2") and discovered(site))
