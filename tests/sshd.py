"""A real sshd in which root sees a tree as its root, on a port of the loopback: a node that is no machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from waiting import until

from sbkernel.netboot import bootlog
from sbkernel.site import Site

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {place}/hostkey
PidFile none
AuthorizedKeysFile {place}/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
ChrootDirectory /mnt
Subsystem sftp internal-sftp
MaxStartups 500
"""
# Everything happens in namespaces of its own: nothing stays mounted, and no process, whatever ends.
START = """\
set -e
mount -t tmpfs -o mode=755 none /run
mkdir /run/sshd
if [ -n "$4" ]; then
    mount -t tmpfs none /media
    cp -a "$1" /media/upper
    mkdir /media/work
    mount -t overlay -o lowerdir=/,upperdir=/media/upper,workdir=/media/work none /mnt
    for path in $4; do rm -rf "/mnt$path"; done
    cp -a "$1/." /mnt
else
    mount --bind "$1" /mnt
fi
mount -t proc proc /mnt/proc
mount --rbind /dev /mnt/dev
for point in $3; do
    mount -t tmpfs tmpfs "/mnt$point"
    echo "on $point" >"/mnt$point/mounted"
done
exec /usr/sbin/sshd -D -e -f "$2/config"
"""


@dataclass(frozen=True)
class Sshd:
    """One that runs, and the tree that it shows."""

    root: Path
    """The tree; what a node over this host's root has changed is not in it."""
    process: subprocess.Popen[bytes]

    def tars(self) -> list[int]:
        """Return the processes of tar that serve a capture."""
        return [pid for pid in _below(self.process.pid) if _name(pid) == "tar"]


@contextlib.contextmanager
def sshd(
    site: Site, node: str, tree: Path, place: Path, *, mounts: str = "", without: str = ""
) -> Iterator[Sshd]:  # fmt: skip
    """Let a node of a site be a tree for a block; `mounts` are directories of it on each of which a tmpfs lies.

    With `without` it is the tree over a copy of this host's root that lacks these paths: its programs run, and nothing
    that they do comes here.
    """
    place.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / "hostkey"], check=True)
    (place / "authorized").write_text(site.ssh_key.with_suffix(".pub").read_text())
    (place / "config").write_text(CONFIG.format(port=port, place=place))
    (tree / "proc").mkdir(exist_ok=True)
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", START, "sh", tree, place,
             mounts, without],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: _listens(port), unless=lambda: process.poll() is not None, seen=(place / "log").read_text)
        site.set("node", node, groups="all", vmsshport=str(port))
        key = " ".join((place / "hostkey.pub").read_text().split()[:2])
        bootlog.append(site, node, "userspace", hostkey=key)
        yield Sshd(tree, process)
    finally:
        process.kill()
        process.wait()


def _below(pid: int) -> list[int]:
    """Return the processes below a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_below(child)]
    return found


def cut(server: Sshd) -> None:
    """Cut the connections: kill the processes of sshd that serve them."""
    for pid in _below(server.process.pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sshd: root"):
                os.kill(pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
