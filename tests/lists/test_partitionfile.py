"""partitionfile: xCAT's format with our keys, and an error with file and line for all that is wrong in one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.lists import partitionfile
from sbkernel.lists.partitionwords import Partition, Span

# The example of xCAT's documentation, but for its ranges: there a second one may begin before the first one ends.
OF_XCAT = """enable=yes
enablepart=no

[disk]
dev=/dev/sdb
clear=yes
parts=100M-200M,1G-2G

[disk]
dev=/dev/sda
clear=yes
parts=10,20,30

[localspace]
dev=/dev/sda1
fstype=ext3

[swapspace]
dev=/dev/sda2
"""


def test_the_example_of_xcat_is_read() -> None:
    layout = partitionfile.parse(OF_XCAT)
    assert layout.diagnostics == ()
    assert (layout.enabled, layout.partitions, layout.falls_back) == (True, False, False)
    ranges, shares = layout.disks
    assert ranges.spans == (Span("range", 10**8, 2 * 10**8), Span("range", 10**9, 2 * 10**9))
    assert [str(span) for span in shares.spans] == ["10%", "20%", "30%"]
    assert (shares.dev, shares.table, shares.clear, shares.wipe) == ("/dev/sda", "gpt", True, False)
    local, swap = layout.spaces
    assert (local.kind, local.partition, local.fstype) == ("localspace", Partition("/dev/sda", 1), "ext3")
    assert (swap.kind, swap.partition.number) == ("swapspace", 2)


def test_ours_is_read() -> None:
    text = (
        "enable = yes\nenablepart=yes\nonerror=ram\n# the big one\n[disk]\ndev=size:100G-\npolicy=wipe\nptable=msdos\n"
        "parts=8G, rest\n[rootspace]\ndev=size:100G--part1\noverlay=disk\n[localspace]\ndev=size:100G--part2\n"
        "mount=/var,/scratch/,/var\npolicy=wipe\n"
    )
    layout = partitionfile.parse(text)
    assert layout.diagnostics == ()
    (disk,) = layout.disks
    assert (disk.dev, disk.wipe, disk.table, disk.spans) == (
        f"size:{10**11}-",
        True,
        "msdos",
        (Span("size", 8 * 10**9), Span("rest")),
    )
    root, local = layout.spaces
    assert (root.overlay, root.partition) == ("disk", Partition(disk.dev, 1))
    assert (local.directories, local.wipe) == (("/var", "/scratch"), True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enabel=yes\n", "f:1: enabel is no key before the first section"),
        ("enable=maybe\n", "f:1: enable=maybe is not yes or no"),
        ("enable=yes\nenable=yes\n", "f:2: enable= stands in line 1 already"),
        ("[dsik]\ndev=only\n", "f:1: [dsik] is no section"),
        ("[disk\n", "f:1: [disk is no section"),
        ("[disk]\nparts=10\n", "f:1: [disk] has no dev="),
        ("[disk]\ndev=only\n", "f:1: [disk] has no parts="),
        ("[disk]\ndev=only\nclear=\nparts=1\n", "f:3: clear= is not yes or no"),
        ("[disk]\ndev=only\nfile=x\nparts=1\n", "f:3: file is no key of [disk]"),
        ("[disk]\ndev=/dev/sda1\nparts=10\n", "f:2: /dev/sda1 is no disk"),
        ("[disk]\ndev=/dev/../etc\nparts=10\n", "f:2: /dev/../etc is no disk"),
        ("[disk]\ndev=/dev/disk/by-id/a,b\nparts=10\n", "f:2: /dev/disk/by-id/a,b is no disk"),
        ("[disk]\ndev=/dev/disk/by-id/../../x\nparts=10\n", "f:2: /dev/disk/by-id/../../x is no disk"),
        ("[disk]\ndev=size:9G-1G\nparts=10\n", "f:2: size:9G-1G is no disk"),
        ("[disk]\ndev=only\nparts=60,50\n", "f:3: the partitions take more than 100 % of the disk"),
        ("[disk]\ndev=only\nparts=0\n", "f:3: 0 is no share of a disk in percent"),
        ("[disk]\ndev=only\nparts=1G-2G,1500M-3G\n", "f:3: the partition that begins at 1500000000 bytes begins"),
        ("[disk]\ndev=only\nparts=2G-1G\n", "f:3: 2G-1G ends before it begins"),
        ("[disk]\ndev=only\nparts=100-200\n", "f:3: '100-200' is no size with a unit"),
        ("[disk]\ndev=only\nparts=rest,10\n", "f:3: nothing can come behind the rest"),
        ("[disk]\ndev=only\nparts=10,,20\n", "f:3: 10,,20 holds an empty place"),
        ("[disk]\ndev=only\nptype=msdos\nparts=1,1,1,1,1\n", "f:4: msdos has at most 4 partitions"),
        ("[disk]\ndev=only\nparts=1\n[disk]\ndev=only\nparts=2\n", "f:4: only is partitioned in line 1 already"),
        ("[swapspace]\ndev=/dev/sda\n", "f:2: /dev/sda is no partition"),
        ("[swapspace]\ndev=/dev/nvme0n1\n", "f:2: /dev/nvme0n1 is no partition"),
        ("[swapspace]\ndev=only-part0\n", "f:2: partitions are counted from 1"),
        ("[localspace]\ndev=/dev/sda1\nmount=/var,/etc/x\n", "f:3: /etc/x comes from the image or the kernel"),
        ("[localspace]\ndev=/dev/sda1\nmount=/\n", "f:3: / is no directory for a local disk"),
        ("[localspace]\ndev=/dev/sda1\nmount=/a/../etc\n", "f:3: /a/../etc is no directory for a local disk"),
        ("[localspace]\ndev=/dev/sda1\nmount=/my data\n", "f:3: /my data is no directory for a local disk"),
        ("[localspace]\ndev=/dev/sda1\nfstype=btrfs\n", "f:3: fstype=btrfs is not ext4 or ext3 or xfs"),
        (
            "[localspace]\ndev=/dev/sda1\nmount=/var\n[localspace]\ndev=/dev/sdb1\nmount=/var\n",
            "f:4: /var lies on the partition of line 1 already",
        ),
        ("[swapspace]\ndev=/dev/sda1\n[localspace]\ndev=/dev/sda1\n", "f:3: /dev/sda-part1 is used by line 1 already"),
        ("[rootspace]\ndev=/dev/sda1\n[rootspace]\ndev=/dev/sda2\n", "f:3: there are two [rootspace]"),
        (
            "enablepart=yes\n[disk]\ndev=/dev/sda\nparts=50\n[swapspace]\ndev=/dev/sda2\n",
            "f:5: /dev/sda-part2: parts= in line 2 makes 1",
        ),
    ],
)
def test_what_is_wrong_names_its_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text(text)
    with pytest.raises(ListFileError) as caught:
        partitionfile.load(file)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)
    assert caught.value.hint


def test_the_example_that_users_read_is_one() -> None:
    page = (resources.notebooks() / "docs/coming-from-xcat.md").read_text()
    layout = partitionfile.parse(page.partition("## Local disks")[2].split("```")[1])
    assert layout.diagnostics == () and (layout.enabled, len(layout.disks), len(layout.spaces)) == (True, 1, 3)


def test_names_of_partitions() -> None:
    words = ["/dev/sdab12", "/dev/nvme0n1p3", "/dev/mmcblk0p1", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2"]
    text = "".join(f"[swapspace]\ndev={word}\n" for word in words)
    layout = partitionfile.parse(text)
    assert layout.diagnostics == ()
    assert [tuple(space.partition) for space in layout.spaces] == [
        ("/dev/sdab", 12),
        ("/dev/nvme0n1", 3),
        ("/dev/mmcblk0", 1),
        ("/dev/disk/by-path/pci-0000:00:1f.2-ata-1", 2),
    ]


def test_a_missing_file_is_said_as_any_other_list(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"The partitionfile specified '.*nothing' does not exist!"):
        partitionfile.load(tmp_path / "nothing")


LINES = st.sampled_from(
    ["[disk]", "[localspace]", "[rootspace]", "[", "dev=only", "dev=only-part1", "parts=10,20", "parts=9-",
     "mount=/var", "enable=yes", "enablepart=yes", "=", "clear=yes", "#", " ", "policy=wipe"]
)  # fmt: skip


@given(st.lists(st.one_of(LINES, st.text(max_size=20))))
def test_any_text_is_read_without_raising_and_rendered_as_it_was(lines: list[str]) -> None:
    text = "\n".join(lines)
    layout = partitionfile.parse(text)
    assert layout.render() == text
    assert all(one.severity == "error" and one.remedy for one in layout.diagnostics)


@given(st.lists(LINES))
def test_comments_and_blanks_change_nothing(lines: list[str]) -> None:
    noted = "\n".join(part for line in lines for part in ("# note", f"  {line}  # note"))
    plain, spaced = partitionfile.parse("\n".join(lines)), partitionfile.parse(noted)
    said = [[(one.message.partition(" line ")[0]) for one in layout.diagnostics] for layout in (plain, spaced)]
    assert said[0] == said[1]
    assert (plain.disks, plain.spaces) == (spaced.disks, spaced.spaces)
