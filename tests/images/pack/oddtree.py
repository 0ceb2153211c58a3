"""A small tree with all that a format has to keep, what is in a tree, and a node's way to unpack."""

import hashlib
import os
import shutil
import socket
import stat
import struct
import subprocess
from pathlib import Path

from sbkernel.images.initrd.programs import PLACE, add_programs, programs_for
from sbkernel.images.pack.format import Format

TEMPLATES = Path(__file__).resolve().parents[3] / "templates/initrd"
ODD_NAMES = (" blanks ", "nl\nx", "é", "caf\udce9", "tab\t", "-dash", "st*r", "back\\slash", "#c", "..." + "n" * 200)
# acl(5) as the kernel stores it: the owner, user 1000, the group, the mask, others.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHi", *entry) for entry in [(1, 6, -1), (2, 4, 1000), (4, 4, -1), (16, 4, -1), (32, 4, -1)]
)
UNPACK = """\
say() { :; }
. "$1/fetch.sh"
. "$1/unpack.sh"
piece=131072
programs=$2
cut_up "$3" && [ ! -s "$3" ] && unpack "$3" "$4" "$5" && ! ls "$3".* 2>/dev/null
"""


def odd_tree(tree: Path) -> Path:
    """Make a tree with links, devices, owners, modes, capabilities and names that no list of lines can hold."""
    for name in ("usr/bin", "etc", "dev", "tmp", "empty", "left/out", "deep/" + "/".join(["d" * 60] * 5)):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    (tree / "usr/bin/tool").write_bytes(
        b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(9999))
    )
    shutil.copy("/bin/true", tree / "usr/bin/ping")
    (tree / "usr/bin/suid").write_text("suid")
    os.chown(tree / "usr/bin/suid", 1234, 70000)
    (tree / "usr/bin/suid").chmod(0o6755)
    subprocess.run(["setcap", "cap_net_raw+ep", tree / "usr/bin/ping"], check=True)
    (tree / "etc/shadow").write_text("x")
    (tree / "etc/shadow").chmod(0)
    (tree / "etc/none").touch()
    os.link(tree / "etc/none", tree / "usr/none-too")
    os.link(tree / "usr/bin/suid", tree / "aaa-first")
    os.link(tree / "etc/shadow", tree / "left/out/shadow")
    (tree / "etc/listed").write_text("x")
    os.setxattr(tree / "etc/listed", "system.posix_acl_access", ACL)
    os.mknod(tree / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mkfifo(tree / "dev/fifo")
    (tree / "etc/absolute").symlink_to("/etc/shadow")
    (tree / "bin").symlink_to("usr/bin")
    (tree / "up").symlink_to("../../gone")
    for name in ODD_NAMES:
        (tree / "etc" / name).write_text(name, errors="surrogateescape")
    (next((tree / "deep").rglob("d" * 60 + "/" + "d" * 60)) / ("f" * 100)).write_text("deep")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tree / "dev/socket"))
    for path in [tree, *tree.rglob("*")]:
        os.utime(path, (1_600_000_000.25, 1_600_000_000.25), follow_symlinks=False)
    return tree


def described(tree: Path, *, without: tuple[str, ...] = ()) -> dict[str, tuple[object, ...]]:
    """Return by path: kind and mode, owner, content, names that are one file, capabilities."""
    found: dict[str, tuple[object, ...]] = {}
    paths = sorted(path for path in [tree, *tree.rglob("*")])
    names: dict[int, list[str]] = {}
    for path in paths:
        if not path.is_dir() or path.is_symlink():
            names.setdefault(path.lstat().st_ino, []).append(str(path.relative_to(tree)))
    for path in paths:
        name, status = str(path.relative_to(tree)), path.lstat()
        if name.startswith(without):
            continue
        same = [other for other in names.get(status.st_ino, []) if not other.startswith(without)]
        found[name] = (stat.filemode(status.st_mode), status.st_uid, status.st_gid, _content(path, status), same)
    return found


def _content(path: Path, status: os.stat_result) -> object:
    if stat.S_ISREG(status.st_mode):
        return path.read_bytes(), int(status.st_mtime)
    return str(path.readlink()) if stat.S_ISLNK(status.st_mode) else status.st_rdev


def on_a_node(packed: Format, file: Path, target: Path) -> Path:
    """Unpack as a node does, with the initrd's script, a busybox, and the programs that are added to the initrd."""
    target.mkdir()
    if not packed.unpacked:
        return _mounted(packed, file, target)
    initrd = target.parent / f"{target.name}-initrd"
    (initrd / "bin").mkdir(parents=True)
    subprocess.run(["busybox", "--install", "-s", initrd / "bin"], check=True)
    (initrd / "nothing").touch()
    add_programs(initrd / "nothing", programs_for(packed.node_programs, Path("/nonexistent")), initrd / "added")
    unpack = f"zcat added | {shutil.which('cpio')} -id --quiet"
    subprocess.run(["sh", "-c", unpack], cwd=initrd, check=True)
    copy = shutil.copy(file, initrd / "root")
    words = [TEMPLATES, initrd / PLACE, copy, target, f"http://x/catalog/y/{packed.file_name}"]
    subprocess.run(["busybox", "sh", "-fuc", UNPACK, "sh", *words], env={"PATH": str(initrd / "bin")}, check=True)
    return target


def _mounted(packed: Format, file: Path, target: Path) -> Path:
    """Copy what the kernel reads in a root; unsquashfs reads the same in a squashfs."""
    method = str(packed.described["method"])
    script = 'mount -t "$3" -o loop,ro "$1" /mnt && cp -a /mnt/. "$2"'
    subprocess.run(["unshare", "--mount", "sh", "-ec", script, "sh", file, target, method], check=True)
    if method == "squashfs":
        other = target.with_name(f"{target.name}-unpacked")
        subprocess.run(["unsquashfs", "-q", "-f", "-d", other, file], check=True, capture_output=True)
        assert described(other) == described(target)
    return target
