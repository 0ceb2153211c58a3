"""A machine made of files: a sysfs with disks, and the shell functions of the initrd that look at them."""

import os
import shutil
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "initrd"
READ = (
    "words", "fetch", "network", "unpack", "layers", "verify", "stages", "devices", "localdisk", "directories", "disk",
)  # fmt: skip
MIB = 1048576
VIRTIO = "pci0000:00/0000:00:04.0/virtio1"
"""Where the first disk of a virtual machine is plugged in."""


class Machine:
    """A sysfs with disks, each a sparse file in a directory that takes the place of /dev."""

    def __init__(self, place: Path) -> None:
        self.sys, self.dev, self.programs, self.scratch = (place / name for name in ("sys", "dev", "programs", "tmp"))
        for directory in (self.sys / "block", self.sys / "class/scsi_host", self.dev, self.programs, self.scratch):
            directory.mkdir(parents=True)
        for name in ("blkid", "sfdisk", "mke2fs", "e2fsck"):
            (self.programs / name).symlink_to(str(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")))

    def add(self, name: str, where: str, size_mib: int = 64, **facts: str) -> Path:
        """Plug in a disk at `where` below /sys/devices; facts are files, two underscores being a slash."""
        about = self.sys / "devices" / where / "block" / name
        about.mkdir(parents=True)
        (about / "device").mkdir()
        values = {"size": str(size_mib * MIB // 512), "removable": "0", **facts}
        for key, value in values.items():
            file = about / key.replace("__", "/")
            file.write_text(value)
        (self.sys / "block" / name).symlink_to(about)
        with (self.dev / name).open("wb") as file:
            file.truncate(size_mib * MIB)
        return self.dev / name

    def run(self, text: str) -> str:
        """Run shell text after the functions of the initrd; `fail` says what it is told and ends."""
        sourced = "".join(f'. "{SCRIPTS}/{name}.sh"\n' for name in READ)
        settings = f"sys={self.sys}\ndev={self.dev}\nscratch={self.scratch}\nprograms={self.programs}\n"
        settings += "disk_wait=0\nkind=ram\ndisks_seen=\nclock=0\n"
        words = 'fail() { echo "failed: $1"; shift; printf "  %s\\n" "$@"; exit 1; }\nsay() { echo "$*"; }\n'
        quick = (
            'wait_for() { shift; "$@" | grep . ; }\nuptime() { echo $clock.5; }\nsleep() { clock=$((clock + 9)); }\n'
        )
        done = subprocess.run(
            ["busybox", "sh", "-c", f"set -uf\n{sourced}{settings}{words}{quick}{text}"],
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        return done.stdout.strip() + done.stderr
