"""The kinds of root that a node can have, and what an initrd needs for each beside what it always holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.tables.attribute import ROOT_KINDS
from sbkernel.errors import DefinitionError
from sbkernel.lists.partitionfile import layout_of


class RootKind(NamedTuple):
    """What a kind of root needs in the initrd; what makes it on the node is a script of its name in templates/initrd.

    `drivers` are those that the image's kernel must have, as modules or built in, `perhaps` others that are taken along
    if there are such modules, and `programs` those beside busybox. `unpacked` tells that the node unpacks the root,
    `hash_tree` that dm-verity has to check what is read of it.
    """

    drivers: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    unpacked: bool = False
    hash_tree: bool = False


# tar, as busybox's cp and tar lose the extended attributes of files, among them capabilities. Until Linux 6.12, zram
# compresses with modules of the kernel's crypto.
# Where the local disks of servers, virtual machines and clouds hang; a kernel may lack some.
DISK_DRIVERS = (
    "sd_mod", "nvme", "ahci", "ata_piix", "virtio_blk", "virtio_scsi", "mpt3sas", "mpi3mr", "megaraid_sas", "hpsa",
    "smartpqi", "aacraid", "arcmsr", "mvsas", "pm80xx", "isci", "vmd", "vmw_pvscsi", "hv_storvsc", "xen_blkfront",
    "mmc_block", "sdhci_pci", "sdhci_acpi", "hisi_sas_v3_hw",
)  # fmt: skip
DISK = "disk"
"""The kind whose needs are also those of a partitionfile, whatever kind of root lies beside what that makes."""
KINDS: Mapping[str, RootKind] = {
    ROOT_KINDS[0]: RootKind(),
    "tmpfs": RootKind(programs=("tar",), unpacked=True),
    "zram": RootKind(("zram", "ext4"), ("zstd", "lzo_rle"), ("tar",), unpacked=True),
    "lazy": RootKind(
        ("nbd",),
        (),
        (
            "nbdkit",
            "nbdkit/plugins/nbdkit-curl-plugin.so",
            "nbdkit/filters/nbdkit-retry-filter.so",
            "nbd-client",
        ),
        hash_tree=True,
    ),
    DISK: RootKind(("ext4",), DISK_DRIVERS, ("blkid", "e2fsck", "mke2fs", "sfdisk")),
}
PROGRAM_OF = {"xfs": "mkfs.xfs"}
"""What makes a file system that a partitionfile may ask for, beside ext4 and ext3."""


def root_kinds(attributes: Mapping[str, str]) -> dict[str, RootKind]:
    """Return the kinds that an osimage asks for beside the one that every initrd can make, by name.

    Raises DefinitionError for one that no initrd can make, and what is wrong in its partitionfile as ListFileError.
    """
    asked = dict.fromkeys(filter(None, attributes.get("rootkind", "").split(",")))
    layout = layout_of(attributes)
    if layout and layout.enabled:
        asked[DISK] = None
    wrong = [name for name in asked if name not in KINDS]
    if wrong:
        raise DefinitionError(
            f"rootkind={wrong[0]}: no initrd of this version can make such a root", hint=f"one of {' '.join(KINDS)}"
        )
    more = [fstype for fstype in PROGRAM_OF if layout and layout.enabled and fstype in layout.fstypes]
    kinds = {name: KINDS[name] for name in asked if name != ROOT_KINDS[0]}
    if more:
        usual, programs = kinds[DISK], [PROGRAM_OF[fstype] for fstype in more]
        kinds[DISK] = usual._replace(drivers=(*usual.drivers, *more), programs=(*usual.programs, *programs))
    return kinds
