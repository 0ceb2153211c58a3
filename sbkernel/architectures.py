"""The architectures of nodes and images, by xCAT's names: the one table of what differs from one to the other.

What packages call an architecture is their family's own matter (images/families/).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from functools import cache


@dataclass(frozen=True)
class Uefi:
    """The files of a UEFI firmware for virtual nodes: its code, an empty store of its variables; who brings them."""

    code: str
    variables: str
    package: str


@dataclass(frozen=True)
class VirtualHardware:
    """How QEMU makes a virtual node of an architecture.

    `bios` tells whether QEMU brings a BIOS for it, too; `ports` counts its serial ports.
    """

    program: str
    machine: str
    cpu: str
    uefi: Uefi
    bios: bool = True
    ports: int = 2


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    `machine` is what `uname -m` says, `elf` the e_machine of its programs, which are all of 64 bits but for x86;
    `container` is the word of OCI. `serial` begins the names of serial ports; `kernels` are the beginnings of files in
    /boot, the best first. `emulator` runs its programs elsewhere. `efi_loader` is the file of iPXE for UEFI, `grub` its
    platform in GRUB's words, and `grub_loader` the file of that. By `efi_clients` such firmware calls itself in DHCP
    (RFC 4578, option 93), by `http_client` when it asks for a URL (HTTP boot).
    """

    osarch: str
    machine: str
    elf: int
    container: str
    serial: str
    kernels: tuple[str, ...] = ("vmlinuz",)
    little: bool = True
    emulator: str = ""
    efi_loader: str = ""
    efi_clients: tuple[int, ...] = ()
    http_client: int = 0
    grub: str = ""
    grub_loader: str = ""
    virtual: VirtualHardware | None = None
    others: tuple[str, ...] = ()
    """The architectures whose programs it runs, too."""


_POWER = Architecture(
    "ppc64le", "ppc64le", 21, "ppc64le", "hvc", ("vmlinuz", "vmlinux"), emulator="qemu-ppc64le-static"
)
_TABLE = (
    Architecture(
        "x86_64", "x86_64", 62, "amd64", "ttyS", emulator="qemu-x86_64-static", others=("x86",),
        efi_loader="ipxe.efi", efi_clients=(6, 7, 9), http_client=16, grub="x86_64-efi", grub_loader="grubx64.efi",
        # Under TCG, `-cpu max` with two processors ended in soft lockups; Nehalem never did.
        virtual=VirtualHardware(
            "qemu-system-x86_64", "pc,graphics=off", "Nehalem",
            Uefi("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", "ovmf"),
        ),
    ),
    Architecture("x86", "i686", 3, "386", "ttyS"),
    Architecture(
        "aarch64", "aarch64", 183, "arm64", "ttyAMA", ("vmlinuz", "Image"), emulator="qemu-aarch64-static",
        efi_loader="ipxe-arm64.efi", efi_clients=(11,), http_client=19, grub="arm64-efi", grub_loader="grubaa64.efi",
        virtual=VirtualHardware(
            "qemu-system-aarch64", "virt", "cortex-a57",
            Uefi("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd", "qemu-efi-aarch64"),
            bios=False, ports=1,
        ),
    ),
    _POWER,
    replace(_POWER, osarch="ppc64el"),
    replace(
        _POWER, osarch="ppc64", machine="ppc64", container="ppc64", little=False, emulator="qemu-ppc64-static"
    ),
    Architecture("s390x", "s390x", 22, "s390x", "ttyS", little=False, emulator="qemu-s390x-static"),
)  # fmt: skip
ARCHITECTURES = {one.osarch: one for one in _TABLE}
_ARM, _RISCV = 40, 243
_OTHER_MACHINES = {_ARM: "arm", _RISCV: "riscv64"}


def architecture(osarch: str) -> Architecture:
    """Return an architecture; one that the table does not know has its name and nothing else."""
    return ARCHITECTURES.get(osarch) or Architecture(osarch, osarch, 0, osarch, "ttyS")


@cache
def of_host() -> Architecture:
    """Return the architecture of this host."""
    return of_machine(platform.machine())


def of_machine(machine: str) -> Architecture:
    """Return the architecture that `uname -m` has this word for."""
    return next((one for one in _TABLE if one.machine == machine), architecture(machine))


def of_container(word: str) -> Architecture:
    """Return the architecture that OCI has this word for."""
    return next((one for one in _TABLE if one.container == word), architecture(word))


def machine_of(elf: int, *, little: bool) -> str:
    """Return what `uname -m` says where programs with this e_machine run."""
    found = (one.machine for one in _TABLE if (one.elf, one.little) == (elf, little))
    return next(found, _OTHER_MACHINES.get(elf, f"machine {elf}"))


def runs_here(machine: str) -> bool:
    """Tell whether the processor of this host runs programs of a machine, as `uname -m` calls it."""
    host = of_host()
    return machine in (host.machine, *(ARCHITECTURES[other].machine for other in host.others))
