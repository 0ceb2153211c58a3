"""A real kernel, a tiny root, a boot server with faults, and guests that boot from them (QEMU, no KVM)."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest
from sysfsmachine import Machine

from sbkernel.images.initrd.build import build_initrd

KERNEL = "linux-image-cloud-amd64"
ROOT_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
PATH=/bin
exec >/dev/console 2>&1
echo "ROOT UP hostname=$(cat /etc/hostname) marker=$(cat /etc/marker)"
echo "ROOT SHADOW $(grep ^root: /etc/shadow)"
echo "ROOT MODE $(stat -c %a /root/.ssh/authorized_keys 2>/dev/null)"
echo "ROOT BOOT $(tr '\\n' ' ' </run/sbkernel/boot) tools=$(/run/sbkernel/busybox echo works)"
echo "ROOT NIC $(cat /sys/class/net/eth0/operstate) addresses=$(ip -o -4 addr show eth0 | wc -l)"
echo written >/etc/written && echo "ROOT WRITABLE $(cat /etc/written)"
ls /run/sbkernel/root-password 2>/dev/null && echo "ROOT LEAK"
echo "ROOT DONE"
poweroff -f
"""


@pytest.fixture(scope="session")
def kernel_tree(pytestconfig: pytest.Config) -> Path:
    """A tree with the distribution's cloud kernel and its modules, unpacked once and kept in pytest's cache."""
    depends = subprocess.run(["apt-cache", "depends", KERNEL], capture_output=True, text=True, check=True).stdout
    package = next(line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line)
    cache = pytestconfig.cache.mkdir("kernel")
    tree = Path(cache, package)
    if not tree.exists():
        for old in cache.iterdir():
            shutil.rmtree(old)
        _unpack_kernel(package, tree)
    return tree


def _unpack_kernel(package: str, tree: Path) -> None:
    new = tree.with_suffix(".new")
    new.mkdir()
    subprocess.run(["apt-get", "download", package], cwd=new, capture_output=True, check=True)
    subprocess.run(["dpkg", "-x", *new.glob("*.deb"), new], check=True)
    subprocess.run(["depmod", "-b", new, package.removeprefix("linux-image-")], check=True)
    new.rename(tree)


@pytest.fixture(scope="session")
def kernelver(kernel_tree: Path) -> str:
    return kernel_tree.name.removeprefix("linux-image-")


@pytest.fixture(scope="session")
def kernel(kernel_tree: Path, kernelver: str) -> Path:
    return kernel_tree / f"boot/vmlinuz-{kernelver}"


@pytest.fixture(scope="session")
def initrd(kernel_tree: Path, kernelver: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("initrd") / "initrd"
    build_initrd(kernel_tree, kernelver, ["virtio_net"], output)
    return output


@pytest.fixture(scope="session")
def root_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of a few megabytes that says on the console what it sees, then powers off."""
    root = tmp_path_factory.mktemp("root")
    for name in ("bin", "sbin", "etc", "dev", "proc", "sys", "run", "root"):
        (root / name).mkdir()
    shutil.copy("/usr/bin/busybox", root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    (root / "sbin/init").write_text(ROOT_INIT)
    (root / "sbin/init").chmod(0o755)
    (root / "etc/marker").write_text("from-the-image\n")
    (root / "etc/hostname").write_text("nobody\n")
    (root / "etc/shadow").write_text("root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n")
    (root / "padding").write_bytes(b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(65536)))
    return root


@pytest.fixture(scope="session")
def root_image(root_tree: Path) -> bytes:
    """The root as a squashfs."""
    packed = root_tree.parent / "root.squashfs"
    subprocess.run(
        ["mksquashfs", root_tree, packed, "-quiet", "-no-progress", "-comp", "zstd", "-all-root"], check=True
    )
    return packed.read_bytes()


@pytest.fixture
def server(root_image: bytes) -> Iterator[BootServer]:
    with BootServer() as running:
        running.files["/catalog/abc/root.squashfs"] = root_image
        yield running


@pytest.fixture
def boot(kernel: Path, initrd: Path, server: BootServer) -> Iterator[Callable[..., Guest]]:
    """Return a function that boots a guest with our initrd; keyword arguments replace parts of its command line."""
    guests: list[Guest] = []

    def start(*, memory_mb: int = 256, network: str | None = None, **changes: str | None) -> Guest:
        arguments = command_line(server, **changes)
        guests.append(Guest.from_files(kernel, initrd, arguments, memory_mb=memory_mb, network=network))
        return guests[-1]

    yield start
    for guest in guests:
        guest.stop()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
