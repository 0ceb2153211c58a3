"""The smallest rpm distribution in which scriptlets run: one package with a static busybox and a few files."""

import shutil
from pathlib import Path

from rpms import make_repository, make_rpm

BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "chmod", "cp", "date", "echo", "env", "find", "grep", "id", "ln", "ls", "mkdir", "mv", "rm",
           "rmdir", "sed", "sleep", "stat", "test", "touch", "true", "uname")  # fmt: skip
TEXTS = {
    "etc/os-release": 'ID=rocky\nVERSION_ID="9.4"\nPRETTY_NAME="Small Linux 9.4"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:secret:19000::::::\n",
    "etc/selinux/config": "SELINUX=enforcing\n",
}


def make_base(directory: Path, *, arch: str = "x86_64") -> None:
    """Make a repository of the package small-base."""
    root = directory / ".base"
    for name in ("usr/bin", "usr/sbin", "usr/lib", "var/log", "var/tmp", "root", "tmp", "proc", "sys", "dev", "run"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib"):
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy(BUSYBOX, root / "usr/bin/busybox")
    for name in APPLETS:
        (root / "usr/bin" / name).symlink_to("busybox")
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    make_rpm(directory, "small-base", arch=arch, root=root, more="Provides: /bin/sh")
    make_repository(directory)
