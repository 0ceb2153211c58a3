"""Small roots of running nodes, made by the tests: with programs that run, a kernel, a package database, and traces."""

import pwd
import re
import shutil
import subprocess
from pathlib import Path

from debs import make_deb
from rpms import install, make_rpm

BUSYBOX = Path("/bin/busybox")
APPLETS = ("cat", "uname", "rm", "ln", "sed", "grep", "mkdir", "printf", "true", "chmod")
KERNEL = "6.1.0-9-test"
RELEASE = {"debian12": 'ID=debian\nVERSION_ID="12"\n', "rocky9.4": 'ID="rocky"\nVERSION_ID="9.4"\n'}
TRACES = {
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/hostname": "node-before\n",
    "etc/hosts": "10.1.2.3 node-before\n",
    "etc/ssh/ssh_host_ed25519_key": "SECRET of the host\n",
    "etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 of the host\n",
    "root/.ssh/authorized_keys": "ssh-ed25519 of somebody\n",
    "root/.ssh/id_ed25519": "SECRET of root\n",
    "root/.bash_history": "passwd\n",
    "var/lib/dhcp/dhclient.leases": "lease {}\n",
    "var/lib/NetworkManager/seen-bssids": "x\n",
    "var/log/messages": "a line\n",
    "var/log/apt/history.log": "a line\n",
    "var/log/journal/0123/system.journal": "binary\n",
    "var/lib/systemd/random-seed": "random\n",
    "etc/udev/rules.d/70-persistent-net.rules": "of one card\n",
    "etc/NetworkManager/system-connections/eth0.nmconnection": "address1=10.1.2.3\n",
    "etc/crypttab": "swap /dev/sda3\n",
    "usr/lib/sbkernel/report": "of the boot\n",
    "etc/systemd/system/sbkernel-report.service": "of the boot\n",
    "tmp/scratch": "x\n",
}
"""What must not be in the image."""
EDITED = {
    "etc/fstab": (
        "UUID=01-02 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\nserver:/home /home nfs rw 0 0\n"
        "tmpfs /tmp tmpfs size=50m 0 0\n"
    ),
    "etc/shadow": "root:$6$secret:19000::::::\nanna:$6$hers:19000::::::\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "etc/network/interfaces": "iface eth0 inet static\n  address 10.1.2.3\n",
    "etc/systemd/network/10-card.link": "[Match]\nMACAddress=aa:bb:cc:dd:ee:ff\n",
    "etc/systemd/network/20-any.network": "[Match]\nName=ib*\n",
}
KEPT = {
    "opt/by hand\nodd": "by hand\n", "etc/app.conf": "tuned=1\n", "usr/bin/tool": "#!/bin/sh\n",
    "home/anna/.ssh/id_ed25519": "SECRET of a user\n", f"boot/vmlinuz-{KERNEL}": "kernel\n",
    f"usr/lib/modules/{KERNEL}/modules.dep": "kernel/a.ko:\n",
    f"usr/lib/modules/{KERNEL}/modules.builtin": "kernel/b.ko\n",
    f"usr/lib/modules/{KERNEL}/kernel/a.ko": "a module\n",
}  # fmt: skip


def make_root(tree: Path, osvers: str, *, more_bytes: int = 0) -> Path:
    """Make the root of a node that runs debian12 or rocky9.4; `more_bytes` of it are one more file."""
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var/tmp", "root", "tmp", "proc", "sys", "dev", "run",
                 "var/lib/dpkg/info", "var/lib/dpkg/updates"):  # fmt: skip
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    (tree / "tmp").chmod(0o1777)
    shutil.copy(BUSYBOX, tree / "usr/bin/busybox")
    for name in APPLETS:
        (tree / "usr/bin" / name).symlink_to("busybox")
    for name in ("dash", "find", "tar"):  # the shell of busybox would take its own find
        program(tree, name)
    for shell in {"/bin/sh", pwd.getpwuid(0).pw_shell}:  # that of root on this host, which is what sshd asks
        (tree / shell.lstrip("/")).symlink_to("/usr/bin/dash")
    texts = {**TRACES, **EDITED, **KEPT, "etc/os-release": RELEASE[osvers]}
    for name, text in texts.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "etc/app.conf").chmod(0o640)
    (tree / "usr/bin/tool").chmod(0o4755)
    (tree / "opt/also").hardlink_to(tree / "etc/app.conf")
    (tree / "opt/outside").symlink_to("/etc/app.conf")
    subprocess.run(["setcap", "cap_net_raw+ep", tree / "usr/bin/tool"], check=True)
    subprocess.run(["mkfifo", tree / "opt/pipe"], check=True)
    if more_bytes:
        (tree / "opt/large").write_bytes(b"x" * more_bytes)
    _packages(tree, tree.parent, osvers)
    return tree


def _packages(tree: Path, place: Path, osvers: str) -> None:
    if osvers.startswith("debian"):
        (tree / "var/lib/dpkg/status").touch()
        make_deb(place, "own-tool", {"usr/share/own-tool": "x"})
        deb = next(place.glob("own-tool*.deb"))
        subprocess.run(
            ["dpkg", f"--root={tree}", "--force-not-root", "--install", deb], check=True, capture_output=True
        )
    else:
        install(tree, make_rpm(place, "own-tool", "2:1.0-1", "noarch"))


def program(tree: Path, name: str) -> None:
    """Copy a program of this host with the libraries that it is linked to."""
    found = shutil.which(name)
    assert found
    shutil.copy(found, tree / "usr/bin" / name)
    linked = subprocess.run(["ldd", found], check=True, capture_output=True, text=True).stdout
    for library in re.findall(r"(/\S+) \(0x", linked):
        target = tree / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)


def everything(tree: Path) -> dict[str, bytes]:
    """Return the plain files of a tree by path, with their content."""
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}
