"""The argv of QEMU for a virtual node; values in, values out."""

from __future__ import annotations

from dataclasses import dataclass

PROGRAM = "qemu-system-x86_64"
HOST_SEEN_BY_GUEST = "10.0.2.2"
"""QEMU's user network: the guest's name for our loopback."""
USER_NETWORK = "user"

KVM = ("-accel", "kvm", "-cpu", "host")
# Under TCG, `-cpu max` with two processors ended in soft lockups; Nehalem never did.
TCG = ("-accel", "tcg,thread=multi", "-cpu", "Nehalem")


@dataclass(frozen=True)
class VirtualMachine:
    """What a virtual node is made of.

    `network` is "user" or a bridge; `bootfile` is the URL that DHCP names on the user network; `ssh_port` is
    forwarded from our loopback to the guest's port 22 (0: not). `serial_port` 1 makes the console ttyS1.
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


def argv(machine: VirtualMachine, *, boot: str = "order=n", qmp: str = "", tap_fd: int = -1) -> list[str]:
    """Return QEMU's argv: serial console on standard input and output, QMP on the socket path `qmp`.

    `boot` is the value of -boot; a machine on a bridge needs the descriptor of its open tap device.
    """
    return [
        PROGRAM,
        *("-name", machine.name),
        *(KVM if machine.kvm else TCG),
        *("-machine", "pc,graphics=off"),
        *("-smp", str(machine.cpus)),
        *("-m", str(machine.memory_mb)),
        "-nodefaults",
        *("-display", "none"),
        *_serial(machine),
        *(("-qmp", f"unix:{qmp},server=on,wait=off") if qmp else ()),
        *("-netdev", _netdev(machine, tap_fd)),
        *("-device", f"virtio-net-pci,netdev=net0,mac={machine.mac}"),
        *("-device", "virtio-rng-pci"),
        *("-boot", boot),
    ]


def _serial(machine: VirtualMachine) -> list[str]:
    unused = ["-serial", "null"] * machine.serial_port
    return ["-chardev", "stdio,id=serial,signal=off", *unused, "-serial", "chardev:serial"]


def _netdev(machine: VirtualMachine, tap_fd: int) -> str:
    if machine.network != USER_NETWORK:
        return f"tap,id=net0,fd={tap_fd}"
    # IPv6 stays on: without router advertisements iPXE waits 18 s instead of 4 until it has configured the card.
    options = ["user", "id=net0"]
    if machine.bootfile:
        options.append(f"bootfile={machine.bootfile.replace(',', ',,')}")
    if machine.ssh_port:
        options.append(f"hostfwd=tcp:127.0.0.1:{machine.ssh_port}-:22")
    return ",".join(options)
