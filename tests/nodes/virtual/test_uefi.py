"""Virtual nodes with a real UEFI: what it fetches first, its variables, and a boot device for one start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from efiprogram import TEXT, efi_program
from waiting import until_async as until

from sbkernel.architectures import Uefi
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.nodes.mkvm import mkvm, rmvm
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.virtual import uefi
from sbkernel.nodes.virtual.description import describe
from sbkernel.nodes.virtual.guest import QemuMachine
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.nodes.virtual.qemu import VirtualMachine, hardware_of
from sbkernel.site import Site

PXE = b">>Start PXE over IPv4"


@dataclass
class Started:
    machine: QemuMachine
    seen: bytearray = field(default_factory=bytearray)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


@pytest.fixture
async def machine_of(site: Site) -> AsyncIterator[Callable[[str], Started]]:
    started: list[Started] = []

    def make(name: str) -> Started:
        def now() -> Awaitable[VirtualMachine]:
            return describe(site, Probe(site.cache), name)

        one = Started(QemuMachine(name, site.run, now, lambda _line: None))
        one.machine.on_serial = one.seen.extend
        started.append(one)
        return one

    yield make
    for one in started:
        await one.machine.close()


async def test_a_boot_device_for_one_start_holds_until_the_next_reset(
    site: Site, machine_of: Callable[[str], Started]
) -> None:
    mkvm(site, "vm1", memory_mb=256, cpus=1, disk_mb=1, firmware="uefi-http", network="user")
    site.set("node", "vm1", netboot="grub2", vmfirmware="uefi")
    vm1 = machine_of("vm1")
    vm1.machine.boot = BootOverride(BootDevice.HARD_DRIVE)
    await vm1.machine.change(PowerChange.ON)
    assert vm1.machine.boot is None
    await until(lambda: PXE in vm1.seen, 120)
    assert b"UEFI Misc Device" in vm1.seen.partition(PXE)[0], "the disk came first"
    vm1.seen.clear()
    await vm1.machine.change(PowerChange.RESET)
    await until(lambda: PXE in vm1.seen, 120)
    assert b"UEFI Misc Device" not in vm1.seen.partition(PXE)[0], "the network comes first again"


async def test_aarch64_reaches_the_loader_that_tftp_brings(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine_of: Callable[[str], Started]
) -> None:
    monkeypatch.setattr(uefi.lay, "__defaults__", (tmp_path,))
    monkeypatch.setattr(uefi.check_loader, "__defaults__", (tmp_path,))
    (tmp_path / "ipxe-arm64.efi").write_bytes(efi_program("aarch64"))
    mkvm(site, "arm1", memory_mb=256, cpus=1)
    site.set("node", "arm1", arch="aarch64")
    arm1 = machine_of("arm1")
    await arm1.machine.change(PowerChange.ON)
    await until(lambda: TEXT.encode() in arm1.seen, 120)
    store = site.root / "firmware" / "arm1.aarch64.fd"
    assert store.stat().st_size == 64 << 20
    assert store.stat().st_blocks * 512 < 8 << 20, "what is empty of it takes no room"


def test_variables_are_made_once_stay_and_go_with_the_node(site: Site) -> None:
    mkvm(site, "vm1", firmware="uefi")
    files = hardware_of("x86_64").uefi
    path = uefi.variables(site, "vm1", "x86_64", files)
    empty = Path(files.variables).read_bytes()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (empty, 0o600)
    path.write_bytes(b"x" * len(empty))
    uefi.variables(site, "vm1", "x86_64", files)
    assert path.read_bytes() == b"x" * len(empty)
    path.write_bytes(b"half of i")
    uefi.variables(site, "vm1", "x86_64", files)
    assert path.read_bytes() == empty
    other = uefi.variables(site, "vm1.x", "x86_64", files)
    rmvm(site, "vm1")
    assert list(path.parent.iterdir()) == [other]


def test_a_host_without_the_firmware_is_told_its_package(site: Site, tmp_path: Path) -> None:
    with pytest.raises(SbkernelError, match=r"no UEFI firmware: .*CODE\.fd is not there") as error:
        uefi.variables(site, "vm1", "x86_64", Uefi(str(tmp_path / "CODE.fd"), str(tmp_path / "VARS.fd"), "ovmf"))
    assert error.value.hint == "install the Debian package ovmf"
    assert not list(site.root.glob("firmware/*"))


async def test_what_dhcp_names_to_each_firmware(site: Site) -> None:
    probe, url = Probe(site.cache), f"http://10.0.2.2:{site.http_port}/boot"
    mkvm(site, "vm1", firmware="uefi")
    mac = site.nodes["vm1"].get("mac").replace(":", "-")
    machine = await describe(site, probe, "vm1")
    assert (machine.bootfile, machine.tftp, machine.rom) == (f"{url}/by-mac/{mac}.ipxe", "", True)
    site.set("node", "vm1", netboot="grub2")
    machine = await describe(site, probe, "vm1")
    assert (machine.bootfile, machine.rom, machine.firmware) == ("grubx64.efi", False, "uefi")
    assert Path(machine.tftp, machine.bootfile).read_bytes()[:2] == b"MZ"
    site.set("node", "vm1", vmfirmware="uefi-http")
    machine = await describe(site, probe, "vm1")
    assert (machine.bootfile, machine.tftp, machine.rom) == (f"{url}/loaders/grubx64.efi", "", False)
    site.set("node", "vm1", vmfirmware="bios")
    machine = await describe(site, probe, "vm1")
    assert (machine.bootfile, machine.rom, machine.variables) == ("grub.0", True, "")
    site.set("node", "vm1", vmfirmware="uefi-http", netboot="xnba")
    with pytest.raises(DefinitionError, match="HTTP boot cannot begin with iPXE") as error:
        await describe(site, probe, "vm1")
    assert "netboot=grub2" in str(error.value.hint)
    site.set("node", "vm1", vmfirmware="bios", arch="aarch64")
    with pytest.raises(DefinitionError, match="vm1: its machine has no BIOS"):
        await describe(site, probe, "vm1")


async def test_on_a_bridge_the_firmware_boots_and_not_the_card(site: Site) -> None:
    for firmware, rom in (("bios", True), ("uefi", False), ("uefi-http", False)):
        mkvm(site, f"on-{firmware}", network="br0", firmware=firmware)
        machine = await describe(site, Probe(site.cache), f"on-{firmware}")
        assert (machine.bootfile, machine.rom, machine.firmware) == ("", rom, firmware)
