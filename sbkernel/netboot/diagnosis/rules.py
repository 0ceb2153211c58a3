"""Which words on a console, or in the reason that a node gives, stand for which cause, and what to do. Pure.

A rule is found by the literal `words` first, which is fast, and then by `pattern`, if it has one, on that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

NO_DHCP = "no DHCP request seen"
NO_BOOT_FILE = "DHCP answered, but no boot file fetched"
NO_KERNEL = "boot script fetched, but no kernel"
NO_NETWORK = "initrd without a network"
FETCH = "image not fetched"
NO_SPACE = "no space"
CHECKSUM = "checksum wrong"
MEMORY = "too little memory"
SIGNATURE = "signature wrong"
ROOT = "root not mounted"
PANIC = "kernel panic"
EMERGENCY = "emergency shell"
DEVICE = "waiting for a device or a job"
HUNG = "kernel hangs"
HARDWARE = "hardware fault"
SCRIPTS = "postscripts failed"
DISK = "booted from the disk"

_CHANGED = "find out who changed it; sb packimage and sb nodeset publish a good one"
_SMALLER = "make the image smaller (exlist, pkglist), or take a node with more memory"
_SERVING = (
    "check that the service runs and the image is in the catalog: sb service status; sb nodeset {node} osimage=IMAGE"
)
_DRIVER = "name the driver of its network card in netdrivers of the osimage, then genimage, packimage, nodeset"
_MESSAGES = "see the messages before it: sb rcons {node}"
_SHELL = "see what failed: sb rcons {node}, there systemctl --failed and journalctl -xb"
_NODESET = "sb nodeset {node} osimage=IMAGE; is its mac right? sb lsdef {node} -i mac"
_MAC = "check its mac, its switch port and its boot order: sb lsdef {node} -i mac; sb rsetboot {node} net"
_LOADERS = "check the service, firewalls and the DHCP server's boot file: sb service status"
_CABLE = "check the network cable and the switch port of {node}"
_BMC_LOG = "see the event log of its BMC; take the node out of use"
_WAITS = "wait for its limit, or see what it waits for: sb rcons {node}"
_FROM_NET = "boot it from the network: sb rsetboot {node} net; sb rpower {node} boot"


@dataclass(frozen=True)
class Rule:
    """Words of a line and the cause that they stand for.

    `ends`: with this line a boot has ended. Other rules count only for a boot that takes too long.
    """

    cause: str
    words: str
    do: str
    ends: bool = False
    pattern: str = ""

    def line_in(self, text: str) -> tuple[int, str] | None:
        """Return the last line that this rule fits, and where it begins."""
        end = len(text)
        while (found := text.rfind(self.words, 0, end)) >= 0:
            begin = text.rfind("\n", 0, found) + 1
            stop = text.find("\n", found)
            line = text[begin : stop if stop >= 0 else len(text)]
            if not self.pattern or _compiled(self.pattern).search(line):
                return begin, line.strip()
            end = max(begin, 0)
            if not end:
                return None
        return None


RULES: Sequence[Rule] = (
    # what the initrd says with its last words (templates/initrd)
    Rule(SIGNATURE, "the signature of the image is wrong", _CHANGED, ends=True),
    Rule(SIGNATURE, "the image has no signature", "sb packimage with the key of the site: sb keys show", ends=True),
    Rule(SIGNATURE, "the image that was signed is another one", _CHANGED, ends=True),
    Rule(SIGNATURE, "the image is signed, but its initrd has no key", _CHANGED, ends=True),
    Rule(CHECKSUM, "is not the one that was published", _CHANGED, ends=True),
    Rule(CHECKSUM, "is corrupted", _CHANGED, ends=True, pattern=r"verity: .* is corrupted"),
    Rule(MEMORY, "too little memory for", _SMALLER, ends=True),
    Rule(NO_SPACE, "No space left on device", "a larger rootlimit, or " + _SMALLER),
    Rule(NO_NETWORK, "no answer from a DHCP server", _MAC, ends=True, pattern=r"server(?! \(try)"),
    Rule(NO_NETWORK, "no network card", _DRIVER, ends=True, pattern=r"no network card(?! has)"),
    Rule(FETCH, "the root image could not be fetched", _SERVING, ends=True),
    Rule(FETCH, "own files could not be fetched", _SERVING, ends=True),
    Rule(FETCH, "the kernel command line names no image", _NODESET, ends=True),
    Rule(ROOT, "the root image cannot be", _MESSAGES, ends=True),
    Rule(ROOT, "the root cannot", "correct rootlimit of {node} or of its image", ends=True),
    Rule(ROOT, "the kernel has no ", _MESSAGES, ends=True, pattern=r"has no (?:\w+fs|overlay)\b"),
    Rule(ROOT, "the image has no /", "add an init system (systemd-sysv) to the pkglist", ends=True),
    Rule(EMERGENCY, "the initrd has come to an unexpected end", _MESSAGES, ends=True),
    Rule(SCRIPTS, "postscripts failed", "see sb nodestat {node} --timeline; then sb updatenode {node} -P", ends=True),
    # the kernel
    Rule(MEMORY, "System is deadlocked on memory", _SMALLER, ends=True),
    Rule(MEMORY, "Initramfs unpacking failed: write error", _SMALLER, ends=True),
    Rule(ROOT, "Unable to mount root fs", _NODESET, ends=True),
    Rule(PANIC, "Kernel panic - not syncing", _MESSAGES, ends=True),
    Rule(MEMORY, "Out of memory: Killed process", _SMALLER),
    Rule(HARDWARE, "[Hardware Error]", _BMC_LOG),
    Rule(HARDWARE, "Machine check events logged", _BMC_LOG),
    Rule(HUNG, "soft lockup", _MESSAGES, pattern=r"BUG: soft lockup"),
    Rule(HUNG, "blocked for more than", _MESSAGES, pattern=r"task .* blocked for more than"),
    Rule(HUNG, "detected stall", _MESSAGES, pattern=r"rcu.*detected stall"),
    # dracut, initramfs-tools and systemd
    Rule(EMERGENCY, "You are in emergency mode", _SHELL, ends=True),
    Rule(EMERGENCY, "You are in rescue mode", _SHELL, ends=True),
    Rule(EMERGENCY, "Cannot open access to console, the root account is locked", _SHELL, ends=True),
    Rule(EMERGENCY, "Entering emergency mode", _SHELL, ends=True),
    Rule(EMERGENCY, "for emergency shell", _SHELL, ends=True, pattern=r"Press Enter for emergency shell"),
    Rule(ROOT, "does not exist.  Dropping to a shell", _NODESET, ends=True),
    Rule(DEVICE, "Timed out waiting for device", "give the node that device, or take it out of the fstab of its image"),
    Rule(DEVICE, "dracut-initqueue", "give the node that device, or correct root= of its kernel command line",
         pattern=r"dracut-initqueue.*(?:timeout|Timed out)"),
    Rule(DEVICE, "A start job is running for", _WAITS),
    Rule(DEVICE, "A stop job is running for", _WAITS),
    # the boot loader and the firmware
    Rule(NO_KERNEL, "did not boot: its kernel or initrd could not be loaded", _SERVING, ends=True),
    Rule(NO_KERNEL, "the image could not be loaded, try", _SERVING),
    Rule(NO_BOOT_FILE, "Nothing is set for this machine", _NODESET, ends=True),
    Rule(NO_BOOT_FILE, "No boot file for", _NODESET),
    Rule(NO_BOOT_FILE, "PXE-E53", _LOADERS),
    Rule(NO_BOOT_FILE, "PXE-E32", _LOADERS),
    Rule(NO_BOOT_FILE, "PXE-E23", _LOADERS),
    Rule(NO_BOOT_FILE, "PXE-T01", _LOADERS),
    Rule(NO_DHCP, "PXE-E51", _MAC),
    Rule(NO_DHCP, "PXE-E16", _MAC),
    Rule(NO_DHCP, "PXE-E61", _CABLE),
    Rule(NO_DHCP, "No configuration methods succeeded", _MAC),
    Rule(NO_DHCP, "Server response timeout", _MAC, pattern=r"PXE-E18"),
    Rule(DISK, "Booting from Hard Disk", _FROM_NET),
    Rule(DISK, "GRUB loading", _FROM_NET),
    Rule(NO_DHCP, "No bootable device", _MAC, ends=True),
    Rule(NO_DHCP, "Operating System not found", _MAC, ends=True, pattern=r"(?:Missing )?[Oo]perating System not found"),
    # tries that go on
    Rule(FETCH, "bytes so far, try", _SERVING),
    Rule(NO_NETWORK, "no answer from a DHCP server (try", _MAC),
    Rule(NO_NETWORK, ": no link after", _CABLE),
)  # fmt: skip
"""The more telling a line is, the earlier its rule stands."""

BEFORE: Sequence[str] = (
    "Timed out waiting for device",
    "Dependency failed for",
    "Failed to mount ",
    "Failed to start ",
)
"""Lines that tell what came before an emergency shell or a panic."""


def found_in(text: str) -> Iterator[tuple[Rule, int, str]]:
    """Yield the rules that a text fits, the most telling first, each with the last such line and where it begins."""
    for rule in RULES:
        if rule.words in text and (line := rule.line_in(text)):
            yield rule, *line


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
