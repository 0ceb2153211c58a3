"""The argv of QEMU for a virtual node; values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sbkernel.architectures import VirtualHardware, architecture
from sbkernel.errors import DefinitionError, SbkernelError

HOST_SEEN_BY_GUEST = "10.0.2.2"
"""QEMU's user network: the guest's name for our loopback."""
USER_NETWORK = "user"

KVM = ("-accel", "kvm", "-cpu", "host")


@dataclass(frozen=True)
class VirtualMachine:
    """What a virtual node is made of.

    `network` is "user" or a bridge; `bootfile` is what DHCP names on the user network: a URL, or for UEFI the name of
    a file in the directory `tftp`. `ssh_port` is forwarded from our loopback to the guest's port 22 (0: not).
    `serial_port` 1 makes the console ttyS1. `disk` is the file of its disk, "" for none.
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
        *_devices(machine, hardware, boot),
    ]


def hardware_of(osarch: str) -> VirtualHardware:
    """Return how QEMU makes virtual nodes of an architecture. Raises DefinitionError where we have no way to."""
    if found := architecture(osarch).virtual:
        return found
    raise DefinitionError(f"no virtual node can be of {osarch}", hint="boot an image of another architecture")


def check_firmware(hardware: VirtualHardware) -> None:
    """Raise SbkernelError where this host lacks the UEFI firmware that a machine begins with."""
    file = Path(hardware.firmware)
    if hardware.firmware and not file.is_file():
        # Debian's packages call the directory as themselves.
        raise SbkernelError(
            f"no UEFI firmware: {file} is not there", hint=f"install the Debian package {file.parent.name}"
        )


def tcg(hardware: VirtualHardware) -> tuple[str, ...]:
    """Return the options by which the processor is emulated."""
    return ("-accel", "tcg,thread=multi", "-cpu", hardware.cpu)


def _devices(machine: VirtualMachine, hardware: VirtualHardware, boot: str) -> list[str]:
    """Return card, disk and firmware. UEFI takes the order from the devices; it has no use for the card's BIOS ROM."""
    card, disk = f"virtio-net-pci,netdev=net0,mac={machine.mac}", "virtio-blk-pci,drive=disk0"
    if hardware.firmware:
        disk_first = boot.partition("=")[2].startswith("c")
        card, disk = f"{card},romfile=,bootindex={int(disk_first)}", f"{disk},bootindex={int(not disk_first)}"
    drive = f"if=none,id=disk0,format={machine.disk_format},file={_escaped(machine.disk)}"
    return [
        *("-device", card),
        *(("-drive", drive, "-device", disk) if machine.disk else ()),
        *("-device", "virtio-rng-pci"),
        *(("-bios", hardware.firmware) if hardware.firmware else ("-boot", boot)),
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
