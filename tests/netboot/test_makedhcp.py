"""makedhcp: what it writes is read by a real Kea and a real ISC dhcpd, and one changed node is one changed line."""

import difflib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dhcplab import MAC, OURS, Lab, dhcp_lab
from hypothesis import given
from hypothesis import strategies as st
from netsite import IMAGE

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.dhcp.dnsmasq import Reservation
from sbkernel.netboot.dhcp.others import dhcpd_hosts, kea_hosts, read_dhcpd_hosts, read_kea_hosts
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.server import block_of
from sbkernel.site import Site

FILES = {"kea": ["kea-dhcp4.conf", "kea-nodes-10.78.0.0-24.json"], "isc": ["dhcpd.conf", "dhcpd-nodes.conf"]}
CHECKS = {"kea": ["kea-dhcp4", "-t"], "isc": ["dhcpd", "-t", "-cf"]}
NETWORK = {
    "net": "10.78.0.0", "mask": "255.255.255.0", "dynamicrange": "10.78.0.100-10.78.0.120", "domain": "lab",
    "gateway": "10.78.0.254", "nameservers": "<xcatmaster>,10.78.0.3", "ntpservers": "10.78.0.4", "mtu": "1500",
}  # fmt: skip


@pytest.fixture
def sb(site: Site) -> Callable[..., Result]:
    site.set("site", "clustersite", master=OURS)
    site.set("network", "lab", **NETWORK)
    site.set("network", "far", net="10.79.0.0", mask="/24", mgtifname="!remote!eth9", tftpserver="10.79.0.1")
    site.set("network", "six", net="fd00::/64", mask="/64")
    site.set("node", "n1", groups="all", mac=MAC, ip="10.78.0.21")
    site.set("node", "1-n_2", groups="all", mac="52-54-00-00-00-22", ip="10.79.0.22")
    site.set("node", "n3", groups="all", mac="52:54:00:00:00:23")
    site.set("node", "n4", groups="all")

    def run(*words: str) -> Result:
        return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)

    return run


def check(site: Site, backend: str) -> None:
    """Let the server read its configuration. AppArmor or a namespace without the interface are no part of it."""
    done = subprocess.run([*CHECKS[backend], site.root / "dhcp" / FILES[backend][0]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("backend", FILES)
def test_the_server_reads_it(site: Site, sb: Callable[..., Result], backend: str) -> None:
    said = sb("makedhcp", "-n", "-a", "--format", backend)
    assert f"written: {site.root}/dhcp/{FILES[backend][0]}\n" in said.stdout and said.stderr == ""
    check(site, backend)
    known = sb("makedhcp", "-q", "-a", "--format", backend).stdout
    assert "n1: ip-address = 10.78.0.21, hardware-address = 52:54:00:00:00:21\n" in known
    assert "1-n_2: ip-address = 10.79.0.22, hardware-address = 52:54:00:00:00:22\n" in known
    assert ("n3: hardware-address" in known) == (backend == "isc")
    before = {file: file.stat().st_ino for file in (site.root / "dhcp").iterdir()}
    sb("makedhcp", "-n", "-a", "--format", backend)
    assert {file: file.stat().st_ino for file in (site.root / "dhcp").iterdir()} == before


@pytest.mark.parametrize("backend", FILES)
def test_one_node_is_one_line(
    site: Site, sb: Callable[..., Result], version: ImageVersion, backend: str, tmp_path: Path
) -> None:
    site.set("site", "clustersite", dhcpbackend=backend, dhcpdir=str(tmp_path / "etc"))
    sb("makedhcp", "-n", "-a")
    with site.store.write("an import") as transaction:
        transaction.put("network", "wrong", {"net": "10.78.0.300", "mask": "/24"})
    hosts = tmp_path / "etc" / FILES[backend][1]
    before = hosts.read_text().splitlines()
    site.set("node", "n5", groups="all", mac="52:54:00:00:00:25", ip="10.78.0.25")
    nodeset(site, "n5", f"osimage={IMAGE}")["n5"]
    after = hosts.read_text().splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert len(changed) == 1 and "n5" in changed[0]
    assert sb("makedhcp", "-d", "n5").exit_code == 0
    assert hosts.read_text().splitlines() == before
    gone = sb("makedhcp", "-q", "n5")
    assert (gone.return_value, gone.stderr.splitlines()[0]) == (1, "Error: n5: DHCP does not know it")


def test_a_network_that_is_gone_takes_its_nodes_along(site: Site, sb: Callable[..., Result]) -> None:
    sb("makedhcp", "-n", "-a", "--format", "kea")
    site.delete("network", "far")
    sb("makedhcp", "-n", "--format", "kea")
    assert sorted(file.name for file in (site.root / "dhcp").glob("kea*")) == sorted(FILES["kea"])
    assert sb("makedhcp", "-q", "1-n_2", "--format", "kea").return_value == 1
    check(site, "kea")


def test_it_says_what_dnsmasq_is_in_each_network(site: Site, sb: Callable[..., Result]) -> None:
    assert "no interface to serve DHCP on" in str(sb("makedhcp", "-n").exception)
    site.set("site", "clustersite", dhcpinterfaces="lo")
    for server, role in (
        ("", "DHCP"),
        ("127.0.0.1", "DHCP"),
        (OURS, "DHCP"),
        (os.uname().nodename, "DHCP"),
        ("10.9.9.9", "proxy DHCP beside 10.9.9.9"),
    ):
        site.set(
            "network", "lab", net="127.0.0.0", mask="255.0.0.0", mgtifname="lo", dynamicrange="", dhcpserver=server
        )
        assert f"lab: {role} on lo\n" in sb("makedhcp", "-n", "-a").stdout
    site.set("site", "clustersite", dhcpbackend="isc")
    assert "lab: TFTP alone on lo\n" in sb("makedhcp", "-n", "--format", "dnsmasq").stdout


def test_nodes_that_cannot_be_told_are_named_and_the_others_told(site: Site, sb: Callable[..., Result]) -> None:
    site.set("node", "n6", groups="all", mac=MAC)
    said = sb("makedhcp", "n1,n4,n6", "--format", "isc")
    assert said.return_value == 1
    assert "Error: n4: Unable to find a mac address" in said.stderr
    assert "n6: n1 has the same MAC address" in said.stderr
    assert list(read_dhcpd_hosts((site.root / "dhcp/dhcpd-nodes.conf").read_text())) == ["n1"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "which nodes?"),
        (["-n", "-d"], "are alternatives"),
        (["-a", "n1"], "either a noderange or -a"),
        (["-q", "nope"], "nope"),
        (["n1", "--format", "bind"], "'bind' is not one of"),
    ],
)
def test_what_makes_no_sense_is_refused(sb: Callable[..., Result], words: list[str], why: str) -> None:
    done = sb("makedhcp", *words)
    assert done.exception is not None and why in f"{done.exception} {getattr(done.exception, 'message', '')}"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"domain": 'lab"; include "/etc/passwd'}, "cannot be told by DHCP"),
        ({"gateway": "router.lab"}, "cannot be told by DHCP"),
        ({"tftpserver": "boot.lab"}, "no server to boot from: boot.lab"),
        ({"dynamicrange": "10.1.0.1-10.1.0.9"}, "does not lie in"),
    ],
)
@pytest.mark.parametrize("backend", FILES)
def test_a_network_that_cannot_be_written_is_named_and_nothing_is_written(
    site: Site, sb: Callable[..., Result], wrong: dict[str, str], why: str, backend: str
) -> None:
    sb("makedhcp", "-n", "-a", "--format", backend)
    before = {file: file.read_bytes() for file in (site.root / "dhcp").iterdir()}
    with site.store.write("an import") as transaction:
        transaction.put("network", "lab", {**NETWORK, **wrong})
    assert why in str(sb("makedhcp", "-n", "-a", "--format", backend).exception)
    assert {file: file.read_bytes() for file in (site.root / "dhcp").iterdir()} == before


def test_a_file_of_somebody_else_is_not_written_over(site: Site, sb: Callable[..., Result]) -> None:
    hosts = site.root / "dhcp/dhcpd-nodes.conf"
    hosts.parent.mkdir()
    hosts.write_text("subnet 10.0.0.0 netmask 255.0.0.0 { }\n")
    assert "no node: subnet" in str(sb("makedhcp", "n1", "--format", "isc").exception)
    assert hosts.read_text().startswith("subnet")


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
NODES = st.builds(
    Reservation, NAMES, st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":")),
    st.integers(0, 65535).map(lambda number: f"10.78.{number // 256}.{number % 256}"),
)  # fmt: skip


@given(st.lists(NODES, max_size=5))
def test_what_is_written_is_read_again(nodes: list[Reservation]) -> None:
    by_name = {one.node: one for one in nodes}
    block = block_of(type("N", (), {"get": {"net": "10.78.0.0", "mask": "16"}.get})())  # type: ignore[arg-type]
    assert block is not None
    assert read_dhcpd_hosts(dhcpd_hosts(by_name)) == by_name
    text = kea_hosts(by_name, block)
    assert read_kea_hosts(text) == by_name and len(json.loads(text)) == len(by_name)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with dhcp_lab() as lab:
        yield lab


@pytest.mark.parametrize("backend", FILES)
def test_the_server_gives_a_node_its_address_and_what_it_boots(
    site: Site, sb: Callable[..., Result], lab: Lab, tmp_path: Path, backend: str
) -> None:
    sb("makedhcp", "-n", "-a", "--format", backend)
    conf, log = site.root / "dhcp" / FILES[backend][0], tmp_path / "log"
    if backend == "kea":
        leases = {"lease-database": {"type": "memfile", "persist": False}}
        text = conf.read_text().replace('"Dhcp4": {', '"Dhcp4": {' + json.dumps(leases)[1:-1] + ",")
        conf.write_text(text)
        command, ready = (
            ["env", f"KEA_PIDFILE_DIR={tmp_path}", f"KEA_LOCKFILE_DIR={tmp_path}", "kea-dhcp4", "-c"],
            "STARTED",
        )
    else:
        (tmp_path / "leases").touch()
        command = ["dhcpd", "-f", "-d", "-pf", str(tmp_path / "pid"), "-lf", str(tmp_path / "leases"), "-cf"]
        ready = "Server starting service"
    lab.run(lab.ours, *command, conf, log=log, until_it_says=ready)
    script = f"http://{OURS}:{site.http_port}/boot/boot.ipxe"
    by_http = f"http://{OURS}:{site.http_port}/boot/loaders/ipxe.efi"
    asked = ((0, False, "undionly.kpxe"), (7, False, "ipxe.efi"), (7, True, script), (16, False, by_http))
    for arch, ipxe, file in asked:
        (ack,) = lab.boot(arch, ipxe=ipxe)["acks"]
        assert (ack["yours"], ack["name"], ack["file"], ack["next"]) == ("10.78.0.21", "n1", file, OURS)
        assert ack["router"] == "10.78.0.254"
        assert ack["vendor"] == ("HTTPClient" if arch == 16 else "")
