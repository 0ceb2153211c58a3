"""What a booting machine writes to its serial port. Pure."""

from __future__ import annotations

from collections.abc import Iterator

FIRMWARE = """\x1b[2J\x1b[H
Practice BIOS 1.0, a machine that does not exist
Memory test: 262144 MB OK
Press F2 for setup, F12 for network boot
"""
NO_DEVICE = "No bootable device."
NO_DHCP = "Configuring (net0 {mac})...... No configuration methods succeeded (http://ipxe.org/040ee119)"
LOADER = """iPXE 1.21.1 -- Open Source Network Boot Firmware -- http://ipxe.org
net0: {mac} using practice on 0000:01:00.0 (Ethernet) [open]
Configuring (net0 {mac})...... ok
net0: {address}/255.0.0.0"""
PANIC = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"
_KERNEL = """[    0.000000] Linux version 6.1.0-practice (practice@sbkernel) #1 SMP
[    0.000000] Command line: {line}
[    0.010000] x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'
[    0.310000] smpboot: Total of 128 processors activated
[    0.920000] ACPI: Core revision 20220331
[    1.480000] pci 0000:01:00.0: [15b3:1019] type 00 class 0x020000
[    2.130000] NET: Registered PF_INET6 protocol family"""
_SERVICES = (
    "Reached target local-fs.target - Local File Systems.",
    "Started systemd-journald.service - Journal Service.",
    "Finished systemd-sysctl.service - Apply Kernel Variables.",
    "Reached target network-online.target - Network is Online.",
    "Started chrony.service - NTP client/server.",
    "Started ssh.service - OpenBSD Secure Shell server.",
    "Reached target multi-user.target - Multi-User System.",
)


def kernel(line: str) -> str:
    """Return the first words of a kernel with this command line."""
    return _KERNEL.format(line=line)


def services() -> Iterator[str]:
    """Yield what systemd says."""
    for one in _SERVICES:
        yield f"[  OK  ] {one}"


def failed(node: str, reason: str, uptime_s: float) -> str:
    """Return the block with which an initrd of ours ends a boot."""
    stars = "*" * 72
    head = f"sbkernel: {node} did not boot, {uptime_s:.2f} s after the kernel started"
    return f"\n{stars}\n{head}\n  reason    {reason}\n  again     rpower {node} boot\n{stars}"
