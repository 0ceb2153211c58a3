"""The argv of QEMU for a virtual node; values in, values out."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.architectures import VirtualHardware, architecture
from sbkernel.definitions.tables.node_virtual import BIOS, UEFI_HTTP
from sbkernel.errors import DefinitionError

HOST_SEEN_BY_GUEST = "10.0.2.2"
"""QEMU's user network: the guest's name for our loopback."""
USER_NETWORK = "user"

KVM = ("-accel", "kvm", "-cpu", "host")
CARD, DISK = "card", "disk"
"""The names of the devices that a machine boots from."""
_NO_PXE = ("opt/org.tianocore/IPv4PXESupport", "opt/org.tianocore/IPv6PXESupport")
"""What switches PXE off in OVMF and AAVMF; then they boot from the network by HTTP alone."""


@dataclass(frozen=True)
class VirtualMachine:
    """What a virtual node is made of.

    `network` is "user" or a bridge; `bootfile` is what DHCP names on the user network: a URL, or for UEFI the name of
    a file in the directory `tftp`. `rom` tells whether the iPXE in the card's ROM boots, as it does without UEFI.
    `ssh_port` is forwarded from our loopback to the guest's port 22 (0: not). `serial_port` 1 makes the console ttyS1.
    `disk` is the file of its disk, "" for none. `firmware` is a value of vmfirmware, and `variables` the file in which
    UEFI keeps its own.
    """

    name: str
    mac: str
    memory_mb: int = 1024
    cpus: int = 2
    network: str = USER_NETWORK
    bootfile: str = ""
    ssh_port: int = 0
    serial_port: int = 0
    kvm: bool = False
    osarch: str = "x86_64"
    tftp: str = ""
    disk: str = ""
    disk_format: str = "raw"
    firmware: str = BIOS
    variables: str = ""
    rom: bool = True


def argv(machine: VirtualMachine, *, boot: str = "order=n", qmp: str = "", tap_fd: int = -1) -> list[str]:
    """Return QEMU's argv: serial console on standard input and output, QMP on the socket path `qmp`.

    `boot` is the value of -boot; a machine on a bridge needs the descriptor of its open tap device.
    """
    hardware = hardware_of(machine.osarch)
    return [
        hardware.program,
        *("-name", machine.name),
        *(KVM if machine.kvm else tcg(hardware)),
        *("-machine", hardware.machine),
        *("-smp", str(machine.cpus)),
        *("-m", str(machine.memory_mb)),
        "-nodefaults",
        *("-display", "none"),
        *_serial(machine),
        *(("-qmp", f"unix:{qmp},server=on,wait=off") if qmp else ()),
        *("-netdev", _netdev(machine, tap_fd)),
        *_devices(machine, boot),
        *(("-boot", boot) if machine.firmware == BIOS else _uefi(machine, hardware)),
    ]


def hardware_of(osarch: str) -> VirtualHardware:
    """Return how QEMU makes virtual nodes of an architecture. Raises DefinitionError where we have no way to."""
    if found := architecture(osarch).virtual:
        return found
    raise DefinitionError(f"no virtual node can be of {osarch}", hint="boot an image of another architecture")


def tcg(hardware: VirtualHardware) -> tuple[str, ...]:
    """Return the options by which the processor is emulated."""
    return ("-accel", "tcg,thread=multi", "-cpu", hardware.cpu)


def boot_index(boot: str) -> dict[str, int]:
    """Return the places of card and disk in the order of a value of -boot, as UEFI is told it: by each device."""
    disk_first = boot.partition("=")[2].startswith("c")
    return {CARD: int(disk_first), DISK: int(not disk_first)}


def _devices(machine: VirtualMachine, boot: str) -> list[str]:
    """Return card and disk. UEFI takes the order from the devices; a BIOS would take that before -boot."""
    card, disk = f"virtio-net-pci,id={CARD},netdev=net0,mac={machine.mac}", f"virtio-blk-pci,id={DISK},drive=disk0"
    if machine.firmware != BIOS:
        place = boot_index(boot)
        card, disk = f"{card},bootindex={place[CARD]}", f"{disk},bootindex={place[DISK]}"
    drive = f"if=none,id=disk0,format={machine.disk_format},file={_escaped(machine.disk)}"
    return [
        *("-device", card if machine.rom else f"{card},romfile="),
        *(("-drive", drive, "-device", disk) if machine.disk else ()),
        *("-device", "virtio-rng-pci"),
    ]


def _uefi(machine: VirtualMachine, hardware: VirtualHardware) -> list[str]:
    """Return the flash chips with the firmware and with its variables. Nothing here answers PXE over IPv6."""
    off = _NO_PXE if machine.firmware == UEFI_HTTP else _NO_PXE[1:]
    return [
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={hardware.uefi.code}"),
        *("-drive", f"if=pflash,unit=1,format=raw,file={_escaped(machine.variables)}"),
        *(word for name in off for word in ("-fw_cfg", f"name={name},string=n")),
    ]


def _escaped(value: str) -> str:
    return value.replace(",", ",,")


def _serial(machine: VirtualMachine) -> list[str]:
    unused = ["-serial", "null"] * machine.serial_port
    return ["-chardev", "stdio,id=serial,signal=off", *unused, "-serial", "chardev:serial"]


def _netdev(machine: VirtualMachine, tap_fd: int) -> str:
    if machine.network != USER_NETWORK:
        return f"tap,id=net0,fd={tap_fd}"
    # IPv6 stays on: without router advertisements iPXE waits 18 s instead of 4 until it has configured the card.
    options = ["user", "id=net0"]
    if machine.bootfile:
        options.append(f"bootfile={_escaped(machine.bootfile)}")
    if machine.tftp:
        options.append(f"tftp={_escaped(machine.tftp)}")
    if machine.ssh_port:
        options.append(f"hostfwd=tcp:127.0.0.1:{machine.ssh_port}-:22")
    return ",".join(options)
