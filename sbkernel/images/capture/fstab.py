"""The fstab of a captured image: what the node mounts from its own disks goes, network and memory stay. Pure."""

from __future__ import annotations

from sbkernel.lists import fstab
from sbkernel.lists.fstab import Mount, unescaped

_DISK = ("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "ID=")
_ON_DISK = frozenset(("swap", "zfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "f2fs", "jfs"))
_ROOTS = frozenset(("tmpfs", "rootfs", "overlay"))


def stateless(text: str, default: str) -> tuple[str, list[str]]:
    """Return an fstab without the node's disks, and the lines that went.

    Lines of the default are added where nothing else is mounted on their directory.
    """
    kept: list[Mount] = []
    gone: list[Mount] = []
    for mount in fstab.parse(text).mounts:
        (gone if _of_disk(mount) else kept).append(mount)
    there = {unescaped(mount.file) for mount in kept}
    added = [mount for mount in fstab.parse(default).mounts if unescaped(mount.file) not in there]
    return fstab.compose([*kept, *added]), [f"{mount.spec} on {mount.file}" for mount in gone]


def _of_disk(mount: Mount) -> bool:
    root = mount.file == "/" and mount.vfstype not in _ROOTS
    return root or mount.vfstype in _ON_DISK or mount.spec.startswith(_DISK)
