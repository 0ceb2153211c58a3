"""Real boots with a local disk: made once and kept, the root written there once, and what goes wrong with it."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bootserver import BootServer, command_line
from guest import Guest
from packedroot import packed

from sbkernel.images.initrd.build import build_initrd
from sbkernel.images.initrd.programs import add_programs, programs_for
from sbkernel.images.initrd.rootkinds import DISK, KINDS
from sbkernel.images.pack import verity

pytestmark = pytest.mark.e2e
Boot = Callable[..., Guest]
URL = "/catalog/abc/disks.squashfs"
MIB = 1048576
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
PATH=/bin
exec >/dev/console 2>&1
echo "ROOT UP $(cat /etc/marker)"
for directory in / /var /tmp; do
    echo "ROOT MOUNT $directory $(awk -v d=$directory '$2 == d { print $1, $3 }' /proc/mounts) $(stat -c %a $directory)"
done
echo "ROOT SWAP $(tail -n +2 /proc/swaps | tr '\\t' ' ')"
echo "ROOT VAR $(cat /var/from-image /var/from-node 2>/dev/null | tr '\\n' ' ')"
echo "ROOT WRITTEN $(cat /etc/written 2>/dev/null)"
echo node >/var/from-node
echo old >/etc/written
echo "ROOT DISK $(ls /run/sbkernel/disk/*/roots 2>/dev/null | tr '\\n' ' ')"
sync
echo "ROOT DONE"
poweroff -f
"""


@pytest.fixture(scope="module")
def disk_initrd(kernel_tree: Path, kernelver: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initrd as genimage and packimage make it for an image with a partitionfile."""
    place = tmp_path_factory.mktemp("initrd")
    kind = KINDS[DISK]
    build_initrd(kernel_tree, kernelver, ["virtio_net"], place / "plain", kinds={DISK: kind})
    add_programs(place / "plain", programs_for(kind.programs, Path("/nonexistent")), place / "initrd")
    return place / "initrd"


@pytest.fixture(scope="module")
def disk_root(root_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The root with a /var, and with an init that says where its directories lie."""
    place = tmp_path_factory.mktemp("disks")
    shutil.copytree(root_tree, place / "tree", symlinks=True)
    for name in ("var", "tmp"):
        (place / "tree" / name).mkdir()
    (place / "tree/tmp").chmod(0o1777)
    (place / "tree/var/from-image").write_text("image\n")
    (place / "tree/sbin/init").write_text(INIT)
    argv = ["mksquashfs", place / "tree", place / "root", "-quiet", "-no-progress", "-comp", "zstd", "-all-root"]
    subprocess.run(argv, check=True)
    return (place / "root").read_bytes()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    file = tmp_path / "disk"
    with file.open("wb") as stream:
        stream.truncate(96 * MIB)
    return file


@pytest.fixture
def start(kernel: Path, disk_initrd: Path, server: BootServer, disk_root: bytes, disk: Path) -> Iterator[Boot]:
    """Return a function that boots a guest with a disk and the words of its partitionfile."""
    guests: list[Guest] = []
    server.files[URL] = disk_root

    def boot(*words: str, drive: str = "", initrd: Path = disk_initrd, **changes: str | None) -> Guest:
        for guest in guests:
            guest.stop()
        server.requests.clear()
        server.posts.clear()
        facts: dict[str, str | None] = {
            "imgurl": f"http://10.0.2.2:{server.port}{URL}",
            "sbkernel.sha256": hashlib.sha256(disk_root).hexdigest(),
            "sbkernel.size": str(len(disk_root)),
        }
        line = " ".join([command_line(server, **{**facts, **changes}), *words])
        drive = drive or f"file={disk},format=raw,if=virtio,cache=unsafe"
        guests.append(Guest.from_files(kernel, initrd, line, memory_mb=256, network=None, drive=drive))
        return guests[-1]

    yield boot
    for guest in guests:
        guest.stop()


def finished(guest: Guest) -> str:
    """Return what a guest has shown when its root had done all; its disk is at rest then."""
    console = guest.wait_for("ROOT DONE")
    guest.stop()
    return console


def said(console: str, what: str) -> str:
    """Return what the root has said about something."""
    return next(line.partition(f"ROOT {what} ")[2] for line in console.splitlines() if f"ROOT {what}" in line).strip()


def fetches(server: BootServer) -> list[str]:
    return [wanted for path, wanted in server.requests if path == URL]


LOCAL = "sbkernel.disk=only,gpt,keep,16%:swap:keep:,rest:ext4:keep:/var+/tmp"


def test_var_tmp_and_swap_lie_on_the_disk_and_are_kept(start: Boot, server: BootServer) -> None:
    first = finished(start(LOCAL))
    assert "ROOT MOUNT / root overlay 755" in first
    assert "ROOT MOUNT /var /dev/vda2 ext4 755" in first and "ROOT MOUNT /tmp /dev/vda2 ext4 1777" in first
    assert said(first, "SWAP").startswith("/dev/vda1 ") and said(first, "VAR") == "image"
    assert server.post("mounted")["disk"] == "made"
    second = finished(start(LOCAL))
    assert said(second, "VAR") == "image node" and said(second, "SWAP").startswith("/dev/vda1 ")
    assert "kept: ext4 on vda2" in second and "/var: kept" in second
    assert server.post("mounted")["disk"] == "kept"


ON_DISK = ("sbkernel.root=disk", "sbkernel.disk=only,gpt,keep,100%:ext4:keep:root+ram")


@dataclass
class Layer:
    """A layer over the root, which changes a file of it: its content, and how the command line names it."""

    content: bytes
    word: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@pytest.fixture
def layer(server: BootServer, tmp_path: Path) -> Layer:
    """The layer, with a hash tree; the server has it."""
    (tmp_path / "layer/etc").mkdir(parents=True)
    (tmp_path / "layer/etc/marker").write_text("from-the-layer\n")
    content, root_hash = packed(tmp_path / "layer", tmp_path / "layer.squashfs")
    made = Layer(content, "")
    made.word = f"sbkernel.layer=root.1.squashfs,{len(content)},{made.sha256},{root_hash}"
    server.files[f"/catalog/abc/{made.sha256}.squashfs"] = content
    return made


@pytest.fixture
def verified(server: BootServer, disk_root: bytes, disk_initrd: Path, tmp_path: Path) -> dict[str, Any]:
    """What a boot is told of the root with a hash tree behind it, which the server has then."""
    file = tmp_path / "root"
    file.write_bytes(disk_root)
    root_hash = verity.add(file)
    server.files[URL] = file.read_bytes()
    add_programs(disk_initrd, programs_for([verity.NODE_PROGRAM], Path("/nonexistent")), tmp_path / "initrd")
    facts = {"sbkernel.sha256": hashlib.sha256(server.files[URL]).hexdigest(), "sbkernel.verity": root_hash}
    return {"initrd": tmp_path / "initrd", "sbkernel.size": str(len(server.files[URL])), **facts}


def test_the_root_is_fetched_once_and_what_is_wrong_on_the_disk_is_fetched_anew(
    start: Boot, server: BootServer, disk: Path, verified: dict[str, Any], layer: Layer, tmp_path: Path
) -> None:
    """It is a root in layers, each of which is kept for itself."""
    content, name = server.files[URL], verified["sbkernel.sha256"]
    on_disk, both = (*ON_DISK, layer.word), sorted([name, layer.sha256])
    first = finished(start(*on_disk, **verified))
    assert fetches(server) == [""]
    assert server.post("fetched")["bytes"] == str(len(content) + len(layer.content))
    assert "ROOT UP from-the-layer" in first and server.post("verified")["verity"] == verified["sbkernel.verity"]
    assert said(first, "DISK").split() == [one for kept in both for one in (kept, f"{kept}.suspect")]
    trust(disk, *both)
    second = finished(start(*on_disk, **verified))
    assert [path for path, _wanted in server.requests if path.startswith("/catalog")] == []
    assert server.post("fetched")["bytes"] == "0" and "ROOT UP from-the-layer" in second
    assert "the root image: on the disk, 3 MB not fetched again" in second and said(second, "WRITTEN") == ""
    assert "layer 1 of 1 over the root: on the disk, 0 MB not fetched again" in second
    trust(disk, *both)

    # dm-verity finds it when it is read, which may be too late for anything but the next boot.
    raw = disk.read_bytes()
    disk.write_bytes(raw.replace(content[8192:12288], bytes(4096)))
    start(*on_disk, **verified).wait_for("data block 2 is corrupted")
    third = finished(start(*on_disk, **verified))
    assert "the root image: what is on the disk is damaged, and is fetched anew" in third
    assert "layer 1 of 1 over the root: on the disk" in third
    assert fetches(server) == [""] and server.stages() == ["initrd", "fetched", "verified", "mounted"]

    # The power was cut while it was written, and what was written is not what was sent. A layer is there that is wrong.
    (tmp_path / "part").write_bytes(bytes(len(content) // 2))
    (tmp_path / "wrong").write_bytes(bytes(len(layer.content)))
    change(
        disk, f"rm {name}", f"write {tmp_path}/part {name}.part", f"rm {layer.sha256}",
        f"write {tmp_path}/wrong {layer.sha256}",
    )  # fmt: skip
    fourth = finished(start(*on_disk, **{**verified, "sbkernel.verity": None}))
    assert "the root image: writing it was interrupted after 1 MB" in fourth
    assert fetches(server) == [f"bytes={len(content) // 2}-", ""]
    assert "layer 1 of 1 over the root: what is on the disk is damaged, and is fetched anew" in fourth
    assert "ROOT UP from-the-layer" in fourth and said(fourth, "DISK").split() == both


def trust(disk: Path, *names: str) -> None:
    """Do what watch.sh does when the system has started; the init of these tests starts nothing."""
    change(disk, *(f"rm {name}.suspect" for name in names))


def change(disk: Path, *orders: str) -> None:
    """Change the directory of the roots on the first partition, once what its journal holds is in place."""
    for text in ("jr", "\n".join(["cd roots", *orders])):
        argv = ["/sbin/debugfs", "-w", "-f", "-", f"{disk}?offset={MIB}"]
        done = subprocess.run(argv, input=text, capture_output=True, text=True)
        assert done.returncode == 0 and "not" not in done.stderr, done.stderr


def test_a_disk_that_is_too_small_is_said_and_memory_takes_its_place_where_that_is_asked_for(
    start: Boot, server: BootServer, disk: Path
) -> None:
    with disk.open("wb") as stream:
        stream.truncate(3 * MIB)
    console = finished(start(*ON_DISK, "sbkernel.diskfail=ram"))
    assert "too little room on the disk for the image; the node goes on in memory" in console
    assert server.post("mounted")["disk"] == "too little room on the disk for the image"
    assert fetches(server) == [""] and said(console, "DISK") == ""
