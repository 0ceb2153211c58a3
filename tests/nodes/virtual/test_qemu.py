"""QEMU's argv, taps on bridges, and the KVM probe."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import until_async

from sbkernel.errors import SbkernelError
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.virtual import probe, qemu
from sbkernel.nodes.virtual.guest import QemuMachine, boot_order
from sbkernel.nodes.virtual.qemu import VirtualMachine
from sbkernel.nodes.virtual.tap import tap_on

MAC = "52:54:00:12:34:56"


def after(argv: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(argv) if name == option]


def test_argv_on_the_user_network() -> None:
    machine = VirtualMachine("vm1", MAC, 512, 3, bootfile="http://10.0.2.2:8080/boot/by-mac/x.ipxe", ssh_port=2022)
    argv = qemu.argv(machine, qmp="vm1.qmp")
    assert after(argv, "-m") == ["512"]
    assert after(argv, "-smp") == ["3"]
    assert after(argv, "-accel") == ["tcg,thread=multi"]
    assert after(argv, "-cpu") == ["Nehalem"]
    assert after(argv, "-qmp") == ["unix:vm1.qmp,server=on,wait=off"]
    assert after(argv, "-netdev") == [
        "user,id=net0,bootfile=http://10.0.2.2:8080/boot/by-mac/x.ipxe,hostfwd=tcp:127.0.0.1:2022-:22"
    ]
    assert f"virtio-net-pci,id=card,netdev=net0,mac={MAC}" in after(argv, "-device")
    assert after(argv, "-boot") == ["order=n"]
    assert after(argv, "-serial") == ["chardev:serial"]


def test_argv_on_a_bridge_with_kvm_and_second_serial_port() -> None:
    machine = VirtualMachine("vm1", MAC, network="br0", serial_port=1, kvm=True)
    argv = qemu.argv(machine, boot="order=c", tap_fd=7)
    assert after(argv, "-netdev") == ["tap,id=net0,fd=7"]
    assert after(argv, "-accel") == ["kvm"]
    assert after(argv, "-serial") == ["null", "chardev:serial"]
    assert after(argv, "-boot") == ["order=c"]


def test_argv_of_a_machine_with_uefi_and_a_disk() -> None:
    machine = VirtualMachine(
        "vm1", MAC, bootfile="ipxe-arm64.efi", osarch="aarch64", tftp="/run/a,b", disk="/d,1.img", disk_format="qcow2",
        firmware="uefi", variables="/v,1.fd", rom=False,
    )  # fmt: skip
    argv = qemu.argv(machine, boot=boot_order(None, disk=True))
    assert argv[0] == "qemu-system-aarch64"
    assert after(argv, "-machine") == ["virt"]
    assert after(argv, "-cpu") == ["cortex-a57"]
    assert after(argv, "-netdev") == ["user,id=net0,bootfile=ipxe-arm64.efi,tftp=/run/a,,b"]
    assert after(argv, "-drive") == [
        "if=none,id=disk0,format=qcow2,file=/d,,1.img",
        "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/AAVMF/AAVMF_CODE.fd",
        "if=pflash,unit=1,format=raw,file=/v,,1.fd",
    ]
    assert after(argv, "-device")[:2] == [
        f"virtio-net-pci,id=card,netdev=net0,mac={MAC},bootindex=0,romfile=",
        "virtio-blk-pci,id=disk,drive=disk0,bootindex=1",
    ]
    assert after(argv, "-fw_cfg") == ["name=opt/org.tianocore/IPv6PXESupport,string=n"]
    assert after(argv, "-boot") == []
    order = boot_order(BootOverride(BootDevice.HARD_DRIVE), disk=True)
    first = [word.partition("bootindex=")[2][0] for word in after(qemu.argv(machine, boot=order), "-device")[:2]]
    assert first == ["1", "0"]
    argv = qemu.argv(replace(machine, osarch="x86_64", firmware="uefi-http"), boot=order)
    assert [word.split("/")[-1] for word in after(argv, "-fw_cfg")] == [
        "IPv4PXESupport,string=n",
        "IPv6PXESupport,string=n",
    ]


@pytest.mark.parametrize(
    ("flags", "order"),
    [
        (None, "order=n"),
        (BootOverride(BootDevice.NETWORK), "order=n"),
        (BootOverride(BootDevice.HARD_DRIVE), "once=c,order=n"),
        (BootOverride(BootDevice.HARD_DRIVE, persistent=True), "order=c"),
        (BootOverride(BootDevice.SETUP, persistent=True), "order=n"),
    ],
)
def test_boot_order(flags: BootOverride, order: str) -> None:
    assert boot_order(flags) == order
    assert boot_order(flags, disk=True) == order.replace("order=n", "order=nc")


def test_tap_lives_as_long_as_qemu_whatever_kills_its_holder(tmp_path: Path) -> None:
    # A namespace of its own: as root a plain one, else one in which we are root.
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    script = Path(__file__).with_name("on_a_bridge.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*own, sys.executable, script, "test", tmp_path], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "power on" in done.stdout


def test_missing_bridge_says_so() -> None:
    with pytest.raises(SbkernelError, match="cannot put a virtual node on the bridge sbnone"), tap_on("sbnone"):
        pass


async def test_machine_without_its_bridge_stays_off(tmp_path: Path) -> None:
    async def describe() -> VirtualMachine:
        return VirtualMachine("vm1", MAC, network="sbnone")

    lines: list[str] = []
    seen = bytearray()
    machine = QemuMachine("vm1", tmp_path, describe, lines.append)
    machine.on_serial = seen.extend
    machine.control(PowerChange.ON)
    await until_async(lambda: not machine.power)
    assert b"cannot put a virtual node on the bridge sbnone" in seen
    assert "sbnone" in lines[0]
    await machine.close()


def linux_image(words: bytes) -> bytes:
    """Return what QEMU takes for a Linux kernel (boot protocol 2.0): it writes words to the serial port and halts."""
    image = bytearray(512 * 5 + 4096)
    image[0x1F1] = 4  # sectors of real-mode code
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x200:0x208] = b"\xeb\x7eHdrS\x00\x02"  # jump to 0x280, past the header
    # cld; si = words; dx = COM1; as long as the byte is not 0: out; then halt
    image[0x280:0x293] = b"\xfc\xbe\x00\x03\xba\xf8\x03\xac\x84\xc0\x74\x03\xee\xeb\xf8\xf4\xeb\xfd\x00"
    image[0x300 : 0x300 + len(words)] = words
    return bytes(image)


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A kernel that never says a word."""
    path = tmp_path / "kernel"
    path.write_bytes(linux_image(b""))
    return path


async def test_a_guest_that_never_speaks_fails_the_probe_in_bounded_time(kernel: Path) -> None:
    start = time.monotonic()
    assert await probe.boots(kernel, kvm=False, timeout_s=1.5) is False
    assert time.monotonic() - start < 100


async def test_a_guest_that_gets_to_its_root_file_system_passes_the_probe(tmp_path: Path) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(linux_image(b"Linux version 6\r\n" + probe.PROOF + b": Unable to mount root fs\r\n"))
    assert await probe.boots(path, kvm=False) is True
    path.write_bytes(linux_image(b"Linux version 6\r\n"))
    assert await probe.boots(path, kvm=False, timeout_s=1) is False


async def test_the_answer_is_kept_for_this_boot_qemu_and_kernel(kernel: Path, tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    assert await probe.Probe(tmp_path, device).usable(kernel) is False
    assert not list(tmp_path.glob("kvm-*"))
    device.touch()
    asked = probe.Probe(tmp_path, device)
    assert await asyncio.gather(asked.usable(kernel), asked.usable(kernel)) == [False, False]
    (kept,) = tmp_path.glob("kvm-*.json")
    kept.write_text('{"usable": true}')
    assert await asked.usable(kernel) is True
    kernel.write_bytes(kernel.read_bytes() + b"newer")
    assert await asked.usable(kernel) is False
