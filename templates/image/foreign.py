"""Run by genimage as root of its namespaces: starts a program with another machine's programs made to run by QEMU.

foreign.py MACHINE ORDER EMULATOR PROGRAM ...: in a user namespace of its own binfmt_misc has its own registrations
(from Linux 6.7 on), so that nothing of this host is changed; where that cannot be, those that the host has must do.
The emulator is opened when it is registered (flag F), so it need not be in a tree (admin-guide/binfmt-misc.rst).
"""

import ctypes
import os
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
PR_SET_PDEATHSIG = 1
BINFMT = "/proc/sys/fs/binfmt_misc"
NEITHER = 125
# By e_machine (elf(5)): a program that ends well, as the machine reads it, Linux's call exit(0) alone.
PROGRAMS = {
    62: "6a3c5831ff0f05",
    183: "a80b8052000080d2010000d4",
    21: "010000380000603802000044",
}
libc = ctypes.CDLL(None, use_errno=True)


def main():
    """Run the program and end as it does; with NEITHER, nothing run, if programs of that machine cannot be run."""
    machine, order, emulator, *argv = sys.argv[1:]
    head = header(int(machine), order)
    status = in_own_namespaces(head, emulator, argv)
    if status is None:
        if not runs(head):
            sys.exit(NEITHER)
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is meant
    sys.exit(status)


def header(machine, order):
    """Return the beginning of every program of a machine (elf(5)): 64 bits, little endian (<) or big."""
    return b"\x7fELF\2" + (b"\1" if order == "<" else b"\2") + b"\1" + bytes(9) + struct.pack(f"{order}HH", 2, machine)


def in_own_namespaces(head, emulator, argv):
    """Run the program to its end and return its status; None, nothing run, if there is no binfmt_misc of our own."""
    ours, theirs = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        die_with_parent()
        inside(head, emulator, argv, theirs[1], ours[0])
    os.close(theirs[1])
    if os.read(theirs[0], 1) == b"m":
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{kind}").write_text(same_ids(kind))
        os.write(ours[1], b".")
    started = os.read(theirs[0], 1) == b"s"
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return (status if status >= 0 else 128 - status) if started else None


def inside(head, emulator, argv, tell, told):
    """Be the child: enter the namespaces, register the emulator, run the program in a process namespace."""
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID):
        os._exit(1)
    os.write(tell, b"m")
    os.read(told, 1)
    first = os.fork()
    if first:
        os.close(tell)
        status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        os._exit(status if status >= 0 else 128 - status)
    die_with_parent()
    if not (mount("proc", "/proc") and mount("binfmt_misc", BINFMT) and register(head, emulator)):
        os._exit(1)
    os.write(tell, b"s")
    os.close(tell)
    # The first process of a namespace takes signals in its own way and reaps orphans: that is for a shell.
    os.execvp("sh", ["sh", "-c", '"$@"; exit $?', "sh", *argv])  # noqa: S606


def die_with_parent():
    """Be killed when the parent ends, whatever ends it."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def same_ids(kind):
    """Return the map by which everybody is who he is outside."""
    lines = (line.split() for line in Path("/proc/self", kind).read_text().splitlines())
    return "".join(f"{inner} {inner} {count}\n" for inner, _outer, count in lines)


def mount(kind, place):
    """Mount a file system that needs no device; tell whether that was possible."""
    return libc.mount(b"none", place.encode(), kind.encode(), 0, None) == 0


def register(head, emulator):
    """Tell the kernel what runs programs that begin like this; executables are of type 2 or 3."""
    magic = "".join(f"\\x{byte:02x}" for byte in head)
    kinds = b"\xfe\xff" if head[5] == 1 else b"\xff\xfe"
    mask = "".join(f"\\x{byte:02x}" for byte in b"\xff" * 7 + b"\x00" + b"\xff" * 8 + kinds + b"\xff\xff")
    try:
        Path(BINFMT, "register").write_text(f":sbkernel:M::{magic}:{mask}:{emulator}:PF")
    except OSError:
        return False
    return True


def runs(head):
    """Tell whether programs of that machine run here, also where nothing but they are, as in a tree."""
    machine = head[18]
    code = bytes.fromhex(PROGRAMS.get(machine, "")) if machine in PROGRAMS else b""
    if not code:
        return False
    with tempfile.TemporaryDirectory() as root:
        file = Path(root, "exit")
        file.write_bytes(program(head, code))
        file.chmod(0o755)
        try:
            return subprocess.call(["/exit"], preexec_fn=lambda: os.chroot(root)) == 0
        except (OSError, subprocess.SubprocessError):
            return False


def program(head, code):
    """Return a whole program: the header, one segment, the code."""
    base, begin = 0x400000, 64 + 56
    rest = struct.pack("<IQQQIHHHHHH", 1, base + begin, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = begin + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    return head + rest + segment + code


main()
