"""Virtual nodes as definitions: made once, unlike each other, removed again."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.architectures import of_host
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.nodes.ipmi.logins import address, login
from sbkernel.nodes.mkvm import Made, free_mac, free_port, mkvm, rmvm
from sbkernel.nodes.virtual import uefi
from sbkernel.nodes.virtual.description import describe, megabytes, virtual_nodes
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


def test_second_time_does_nothing(site: Site) -> None:
    assert mkvm(site, "vm1", memory_mb=512) == Made("vm1", created=True)
    before = site.nodes["vm1"]
    assert mkvm(site, "vm1", memory_mb=2048) == Made("vm1", created=False)
    assert site.nodes["vm1"] == before
    assert before.get("vmmemory") == "512"
    assert before.get("groups") == "vm,all"


def test_nodes_share_nothing(site: Site) -> None:
    for number in range(8):
        mkvm(site, f"vm{number}")
    nodes = [site.nodes[name] for name in site.nodes]
    for attribute in ("mac", "bmc", "bmcpassword", "vmsshport"):
        assert len({node.get(attribute) for node in nodes}) == 8
    assert all(re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", node.get("mac")) for node in nodes)


def test_same_name_in_another_site_has_another_mac(site: Site, tmp_path: Path) -> None:
    other = Site.open(tmp_path / "other")
    mkvm(site, "vm1")
    mkvm(other, "vm1")
    assert site.nodes["vm1"].get("mac") != other.nodes["vm1"].get("mac")


def test_taken_addresses_and_ports_are_passed_over() -> None:
    first = free_mac("/site", "vm1", ())
    assert free_mac("/site", "vm1", ()) == first
    assert free_mac("/site", "vm1", {first}) != first
    port = free_port("vm1", (), socket.SOCK_DGRAM)
    assert free_port("vm1", {port}, socket.SOCK_DGRAM) != port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", port))
        assert free_port("vm1", (), socket.SOCK_DGRAM) != port


async def test_login_and_machine_come_from_the_definition(site: Site) -> None:
    mkvm(site, "vm1", memory_mb=640, cpus=3)
    found = login(site, site.nodes["vm1"])
    assert found.password.decode() == site.bmc_login("vm1")[1].reveal()
    assert len(found.password) == 16
    assert found.password.decode() not in repr(found)
    machine = await describe(site, Probe(site.cache), "vm1")
    assert (machine.memory_mb, machine.cpus, machine.kvm) == (640, 3, False)
    by_mac = f"by-mac/{machine.mac.replace(':', '-')}.ipxe"
    assert machine.bootfile == f"http://10.0.2.2:{site.http_port}/boot/{by_mac}"
    assert machine.ssh_port == int(site.nodes["vm1"].get("vmsshport"))


async def test_a_disk_is_made_once_and_stays(site: Site) -> None:
    mkvm(site, "vm1", disk_mb=3)
    disk = Path(site.nodes["vm1"].get("vmstorage"))
    assert (disk.stat().st_size, disk.stat().st_mode & 0o777, disk.stat().st_blocks) == (3 * 1024 * 1024, 0o600, 0)
    machine = await describe(site, Probe(site.cache), "vm1")
    assert (machine.disk, machine.disk_format) == (str(disk), "raw")
    disk.write_text("installed")
    assert rmvm(site, "vm1") == str(disk)
    mkvm(site, "vm1", disk_mb=5)
    assert disk.read_text() == "installed"
    site.set("node", "vm1", vmstorageformat="qcow2")
    assert (await describe(site, Probe(site.cache), "vm1")).disk_format == "qcow2"
    disk.unlink()
    with pytest.raises(DefinitionError, match=r"its disk .* is not there"):
        await describe(site, Probe(site.cache), "vm1")
    site.set("node", "vm1", vmstorage="dir:///var/lib/libvirt/images")
    assert (await describe(site, Probe(site.cache), "vm1")).disk == "", "as xCAT's template for virtual nodes has it"


async def test_a_node_is_a_machine_of_the_architecture_that_it_boots(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkvm(site, "vm1")
    assert (await describe(site, Probe(site.cache), "vm1")).osarch == of_host().osarch
    site.set("node", "vm1", arch="aarch64")
    monkeypatch.setattr(uefi.lay, "__defaults__", (tmp_path,))
    monkeypatch.setattr(uefi.check_loader, "__defaults__", (tmp_path,))
    with pytest.raises(SbkernelError, match="no boot loader for aarch64") as error:
        await describe(site, Probe(site.cache), "vm1")
    assert "Debian 13" in str(error.value.hint)
    (tmp_path / "ipxe-arm64.efi").write_bytes(b"MZ")
    machine = await describe(site, Probe(site.cache), "vm1")
    assert (machine.osarch, machine.kvm, machine.bootfile) == ("aarch64", False, "ipxe-arm64.efi")
    assert Path(machine.tftp, machine.bootfile).read_bytes() == b"MZ"
    script = Path(machine.tftp, "autoexec.ipxe").read_text()
    assert script.startswith("#!ipxe\n")
    by_mac = f"by-mac/{machine.mac.replace(':', '-')}.ipxe"
    assert f"http://10.0.2.2:{site.http_port}/boot/{by_mac} " in script
    site.set("node", "vm1", serialport="1")
    with pytest.raises(DefinitionError, match="serialport=1, and it has 1"):
        await describe(site, Probe(site.cache), "vm1")
    site.set("node", "vm1", arch="ppc64le")
    with pytest.raises(DefinitionError, match="no virtual node can be of ppc64le"):
        await describe(site, Probe(site.cache), "vm1")


async def test_bridged_node_has_neither_bootfile_nor_forwarded_port(site: Site) -> None:
    mkvm(site, "vm1", network="br0")
    machine = await describe(site, Probe(site.cache), "vm1")
    assert (machine.network, machine.bootfile, machine.ssh_port) == ("br0", "", 0)


def test_only_virtual_nodes_are_made_over_or_removed(site: Site) -> None:
    site.set("node", "real", groups="all", mgt="ipmi", bmc="10.0.0.1")
    with pytest.raises(DefinitionError):
        mkvm(site, "real")
    with pytest.raises(DefinitionError):
        rmvm(site, "real")
    with pytest.raises(NotFoundError):
        rmvm(site, "ghost")
    mkvm(site, "vm1")
    rmvm(site, "vm1")
    assert list(site.nodes) == ["real"]


def test_virtual_bmc_listens_on_loopback_only(site: Site) -> None:
    mkvm(site, "vm1")
    mkvm(site, "vm2")
    site.set("node", "vm2", bmc="10.1.2.3:623")
    good, bad = virtual_nodes(site)
    assert list(good) == ["vm1"]
    assert "127.0.0.1 only" in bad["vm2"]
    assert site.bmc_login("vm1")[1].reveal() not in repr(good)


def test_a_virtual_node_that_is_reached_by_kvm_alone_has_no_bmc(site: Site) -> None:
    site.set("node", "vm1", groups="all", mgt="kvm", vmhost="localhost")
    site.set("node", "vm2", groups="all", mgt="ipmi", vmhost="localhost")
    good, bad = virtual_nodes(site)
    assert good == {"vm1": None}
    assert "it has no bmc" in bad["vm2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", ("10.0.0.1", 623)),
        ("bmc-n1", ("bmc-n1", 623)),
        ("127.0.0.1:20001", ("127.0.0.1", 20001)),
        ("fe80::1", ("fe80::1", 623)),
        ("[fe80::1]", ("fe80::1", 623)),
        ("[::1]:6230", ("::1", 6230)),
    ],
)
def test_bmc_address(text: str, expected: tuple[str, int]) -> None:
    assert address("n1", text) == expected


@pytest.mark.parametrize(("text", "mib"), [("1024", 1024), ("512m", 512), ("2G", 2048)])
def test_memory(text: str, mib: int) -> None:
    assert megabytes(text) == mib


def test_verbs(site: Site) -> None:
    def sb(*words: str) -> tuple[int, str]:
        code = "from sbkernel.cli.main import main; main()"
        argv = [sys.executable, "-c", code, "--site", str(site.root), *words]
        done = subprocess.run(argv, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    assert sb("mkvm", "vm[1-2]", "--memory", "256") == (0, "vm1: created\nvm2: created\n")
    assert sb("mkvm", "vm1") == (0, "vm1: exists already, nothing to do\n")
    assert site.nodes["vm2"].get("vmmemory") == "256"
    assert sb("rmvm", "vm1-vm2") == (0, "vm1: removed\nvm2: removed\n")
    assert sb("rmvm", "vm1")[0] == 1
    assert sb("mkvm", "vm1", "--disk", "1G") == (0, "vm1: created\n")
    assert sb("rmvm", "vm1") == (0, f"vm1: removed; its disk stays: {site.root}/disks/vm1.img\n")
    for wrong in ("0", "8X", "-1G", "1T", "8 G"):
        status, said = sb("mkvm", "vm1", "--disk", wrong)
        assert (status, "is not a size such as 8G" in said) == (2, True), said
    assert list(site.nodes) == []
