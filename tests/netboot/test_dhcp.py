"""The configuration of dnsmasq, checked by dnsmasq itself."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.netboot.dhcp.dnsmasq import DhcpPlaces, dnsmasq_conf, host_line, read_host_line, reservation
from sbkernel.netboot.dhcp.makedhcp import makedhcp, write_hosts
from sbkernel.netboot.names import dashed_mac
from sbkernel.site import Site

PLACES = DhcpPlaces(Path("/x/leases"), Path("/x/hosts"), Path("/x/loaders"))
NET = {"net": "10.0.0.0", "mask": "255.255.255.0", "mgtifname": "br0"}


def conf(**changes: str) -> str:
    network = Definition.of("network", "lab", {**NET, **changes})
    return dnsmasq_conf([network], {"br0": "10.0.0.1"}, PLACES, http_port=8080, ipv6=["br0"])


def test_dnsmasq_takes_it(site: Site) -> None:
    site.set("network", "lab", **NET, dynamicrange="10.0.0.100-10.0.0.200", nameservers="<xcatmaster>", mtu="9000")
    site.set("node", "n1", groups="all", mac="52:54:00:00:00:01", ip="10.0.0.11")
    path = makedhcp(site, {"br0": "10.0.0.1"}, ipv6=["br0"])
    done = subprocess.run(["/usr/sbin/dnsmasq", "--test", "-C", path], capture_output=True, text=True)
    assert "syntax check OK" in done.stderr, done.stderr
    assert (path.parent / "hosts/n1").read_text() == "52:54:00:00:00:01,10.0.0.11,n1\n"


def test_name_servers_of_the_site_are_those_of_a_network_that_has_none(site: Site) -> None:
    def servers() -> list[str]:
        text = makedhcp(site, {"br0": "10.0.0.1"}).read_text()
        return [line.rpartition("dns-server,")[2] for line in text.splitlines() if "option:dns-server" in line]

    site.set("network", "lab", **NET)
    assert servers() == []
    site.set("site", "clustersite", nameservers="10.0.0.5,<xcatmaster>")
    assert servers() == ["10.0.0.5,10.0.0.1"]
    site.set("network", "lab", nameservers="10.0.0.6")
    assert servers() == ["10.0.0.6"]


def test_hosts_of_removed_nodes_go_away(site: Site) -> None:
    site.set("network", "lab", **NET)
    site.set("node", "n1", groups="all", mac="52:54:00:00:00:01")
    path = makedhcp(site, {"br0": "10.0.0.1"})
    site.delete("node", "n1")
    site.set("node", "n2", groups="all")
    write_hosts(site, [site.nodes["n2"]])
    makedhcp(site, {"br0": "10.0.0.1"})
    assert [file.name for file in (path.parent / "hosts").iterdir()] == ["n2"]


def test_one_wrong_address_costs_no_other_node_its_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.set("network", "lab", **NET)
    site.set("group", "all", ip="|10.0.0.(100/($1-3))|")
    macs = {f"n{number}": {"groups": "all", "mac": f"52:54:00:00:00:0{number}"} for number in range(1, 7)}
    site.change("node", macs)
    site.set("node", "n5", ip="10.0.0.100")
    with site.store.write("an older version stored it") as transaction:
        transaction.put("node", "n6", {**macs["n6"], "ip": "10.9.0.300"})
        transaction.put("node", "n1", {**macs["n1"], "ip": "10.0.0.1"})
        transaction.put("node", "n2", {**macs["n2"], "ip": "10.0.0.2"})
    path = makedhcp(site, {"br0": "10.0.0.1"})
    lines = {file.name: file.read_text() for file in (path.parent / "hosts").iterdir()}
    assert {name for name, line in lines.items() if not line} == {"n3", "n5", "n6"}
    assert lines["n4"] == "52:54:00:00:00:04,10.0.0.100,n4\n"
    assert "n3: ip of group all cannot be computed: division by zero" in caplog.text
    assert "n5: n4 has the same IP address, 10.0.0.100" in caplog.text
    assert "n6: its IP address 10.9.0.300 is neither an" in caplog.text


def test_machines_are_led_from_their_firmware_to_ipxe_to_the_boot_script() -> None:
    text = conf()
    assert "dhcp-boot=tag:net0,tag:ipxe,http://10.0.0.1:8080/boot/boot.ipxe\n" in text
    ipxe, loaders = "dhcp-boot=tag:net0,tag:!ipxe,tag:!grub2", "http://10.0.0.1:8080/boot/loaders"
    assert f"{ipxe},tag:efi-x86_64,ipxe.efi,,10.0.0.1\n" in text
    assert "dhcp-match=set:efi-aarch64,option:client-arch,11\n" in text
    assert f"{ipxe},tag:efi-aarch64,ipxe-arm64.efi,,10.0.0.1\n" in text
    others = "tag:!efi-x86_64,tag:!http-x86_64,tag:!efi-aarch64,tag:!http-aarch64"
    assert f"{ipxe},{others},undionly.kpxe,,10.0.0.1\n" in text
    assert "dhcp-match=set:http-x86_64,option:client-arch,16\n" in text
    assert "dhcp-option-force=tag:http-aarch64,option:vendor-class,HTTPClient\n" in text
    assert f"{ipxe},tag:http-x86_64,{loaders}/ipxe.efi\n" in text
    grub = "dhcp-boot=tag:net0,tag:!ipxe,tag:grub2"
    assert f"{grub},tag:efi-x86_64,grubx64.efi,,10.0.0.1\n{grub},tag:http-x86_64,{loaders}/grubx64.efi\n" in text
    assert f"{grub},{others},grub.0,,10.0.0.1\n" in text
    assert "dhcp-range=set:net0,10.0.0.0,static,255.255.255.0,43200\n" in text
    assert "dhcp-range=::,constructor:br0,ra-stateless,43200\n" in text


def test_options_come_from_the_network() -> None:
    text = conf(gateway="<xcatmaster>", ntpservers="10.0.0.5,<xcatmaster>", domain="lab")
    assert "dhcp-option=tag:net0,option:router,10.0.0.1\n" in text
    assert "dhcp-option=tag:net0,option:ntp-server,10.0.0.5,10.0.0.1\n" in text
    assert "dhcp-option=tag:net0,option:domain-name,lab\n" in text
    assert "dhcp-option=tag:net0,option:router\n" in conf()


@pytest.mark.parametrize(
    "wrong",
    [
        {"net": "nonsense"},
        {"dynamicrange": "10.0.0.9-10.0.0.5"},
        {"dynamicrange": "10.1.0.5-10.1.0.9"},
        {"mgtifname": "x"},
    ],
)
def test_wrong_networks_are_named(wrong: dict[str, str]) -> None:
    with pytest.raises(DefinitionError):
        conf(**wrong)


def test_a_node_without_a_mac_address_has_no_line() -> None:
    assert host_line(reservation(Definition.of("node", "n1", {"ip": "10.0.0.5"}))) == ""
    two = Definition.of("node", "n1", {"mac": "52-54-00-00-00-01!n1|52:54:00:00:00:02!n2"})
    assert host_line(reservation(two)) == "52:54:00:00:00:01,n1\n"
    by_grub = Definition.of("node", "n1", {"mac": "52:54:00:00:00:01", "ip": "10.0.0.5", "netboot": "grub2"})
    assert host_line(reservation(by_grub)) == "52:54:00:00:00:01,set:grub2,10.0.0.5,n1\n"
    read = read_host_line("n1", host_line(reservation(by_grub)))
    assert read and (read.mac, read.ip, read.by_grub) == ("52:54:00:00:00:01", "10.0.0.5", True)


@given(st.binary(min_size=6, max_size=6), st.sampled_from([":", "-"]), st.booleans())
def test_mac_addresses_in_every_spelling(raw: bytes, separator: str, upper: bool) -> None:
    text = raw.hex(separator)
    assert dashed_mac(text.upper() if upper else text) == raw.hex("-")


@given(st.text(max_size=20))
def test_nothing_else_is_a_mac_address(text: str) -> None:
    with contextlib.suppress(DefinitionError):
        assert set(dashed_mac(text)) <= set("0123456789abcdef-")
