"""What an osimage with local disks puts into its initrd, and that no other osimage does."""

from pathlib import Path

import pytest

from sbkernel.errors import BuildError, DefinitionError, ListFileError
from sbkernel.images.initrd.drivers import read_index, select
from sbkernel.images.initrd.rootkinds import DISK, KINDS, root_kinds


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "localdisk"
    path.write_text("enable=yes\n[swapspace]\ndev=/dev/sda1\n")
    return path


def test_a_partitionfile_asks_for_what_a_root_on_the_disk_does(file: Path) -> None:
    assert root_kinds({}) == root_kinds({"rootkind": "ram"}) == {}
    assert root_kinds({"rootkind": "disk"}) == root_kinds({"partitionfile": str(file)}) == {DISK: KINDS[DISK]}
    assert list(root_kinds({"rootkind": "tmpfs", "partitionfile": str(file)})) == ["tmpfs", DISK]
    file.write_text("enable=no\n[swapspace]\ndev=/dev/sda1\n")
    assert root_kinds({"partitionfile": str(file)}) == {}


def test_xfs_brings_its_program_and_its_driver(file: Path) -> None:
    file.write_text("enable=yes\n[localspace]\ndev=/dev/sda1\nfstype=xfs\nmount=/var\n")
    kind = root_kinds({"partitionfile": str(file)})["disk"]
    assert "mkfs.xfs" in kind.programs and "xfs" in kind.drivers
    assert KINDS["disk"].programs == ("blkid", "e2fsck", "mke2fs", "sfdisk")


def test_what_is_wrong_stops_genimage(file: Path) -> None:
    file.write_text("enable=yes\n[swap]\n")
    with pytest.raises(ListFileError, match=r":2: \[swap\] is no section"):
        root_kinds({"partitionfile": str(file)})
    with pytest.raises(DefinitionError, match="a script makes partitions for an installer"):
        root_kinds({"partitionfile": f"s:{file}"})


def test_a_kernel_may_lack_controllers_but_not_the_file_system() -> None:
    index = read_index("kernel/ext4.ko: kernel/jbd2.ko\nkernel/jbd2.ko:\nkernel/nvme.ko:\n")
    assert select(index, [], {DISK: KINDS[DISK]}) == ["ext4", "jbd2", "nvme"]
    with pytest.raises(BuildError, match="the kernel has no driver ext4"):
        select(read_index("kernel/nvme.ko:\n"), [], {DISK: KINDS[DISK]})
