"""nodeset and local disks: the words that the initrd reads, and what stops a node before it boots."""

from pathlib import Path

import pytest
from netsite import IMAGE
from smallimage import publish

from sbkernel.definitions.xcattables.columns import table_of
from sbkernel.errors import SbkernelError
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

LAYOUT = """enable=yes
enablepart=yes
onerror=ram
[disk]
dev=/dev/disk/by-path/pci-0000:00:1f.2-ata-1
clear=yes
fstype=ext3
parts=8G,10,10,rest
[disk]
dev=/dev/nvme0n1
policy=wipe
ptype=msdos
parts=1G-2G
[swapspace]
dev=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1
[rootspace]
dev=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2
fstype=ext4
overlay=keep
[localspace]
dev=/dev/nvme0n1p1
mount=/var,/scratch
policy=wipe
[localspace]
dev=/dev/sdb3
mount=/data
"""
WORDS = [
    "sbkernel.disk=/dev/disk/by-path/pci-0000:00:1f.2-ata-1,gpt,clear,8000000000:swap:keep:,10%:ext4:keep:root+keep,"
    "10%:ext3:keep:,rest:ext3:keep:",
    "sbkernel.disk=/dev/nvme0n1,msdos,wipe,1000000000-2000000000:ext4:wipe:/var+/scratch",
    "sbkernel.disk=/dev/sdb,none,keep,3:ext4:keep:/data",
    "sbkernel.diskfail=ram",
]


@pytest.fixture
def file(site: Site, nodes: list[str], tmp_path: Path) -> Path:
    """The partitionfile of an image whose initrd can use disks."""
    publish(site, b"root", IMAGE, rootkinds=["disk"])
    path = tmp_path / "localdisk"
    path.write_text(LAYOUT)
    site.set("osimage", IMAGE, partitionfile=str(path))
    return path


def words(site: Site, node: str = "n1") -> list[str]:
    nodeset(site, node, f"osimage={IMAGE}")[node]
    return [
        word for word in site.nodes[node].get("kcmdline").split() if word.startswith(("sbkernel.disk", "sbkernel.r"))
    ]


def why_not(site: Site) -> str:
    with pytest.raises(SbkernelError) as caught:
        nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    return str(caught.value)


def test_the_command_line_says_what_is_made_of_disks(site: Site, file: Path) -> None:
    site.set("node", "n1", rootkind="disk")
    assert words(site) == ["sbkernel.root=disk", *WORDS]
    assert words(site, "n2") == [WORDS[0].replace("root+keep", ""), *WORDS[1:]]


def test_what_is_not_enabled_is_not_done(site: Site, file: Path) -> None:
    file.write_text(LAYOUT.replace("enablepart=yes", "enablepart=no"))
    path = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"
    assert words(site)[:2] == [
        f"sbkernel.disk={path},none,keep,1:swap:keep:,2:ext4:keep:",
        "sbkernel.disk=/dev/nvme0n1,none,keep,1:ext4:wipe:/var+/scratch",
    ]
    file.write_text(LAYOUT.replace("enable=yes", "enable=no"))
    assert words(site) == []
    site.set("node", "n1", rootkind="disk")
    assert words(site) == ["sbkernel.root=disk", "sbkernel.disk=only,gpt,keep,100%:ext4:keep:root+ram"]


def test_an_unchanged_image_has_no_word_more(site: Site, nodes: list[str]) -> None:
    publish(site, b"root", IMAGE)
    assert words(site) == []


def test_what_is_wrong_names_file_and_line(site: Site, file: Path) -> None:
    file.write_text("enable=yes\n[disk]\ndev=only\nprats=10\n")
    assert f"{file}:4: prats is no key of [disk]" in why_not(site)
    file.write_text("enable=yes\n[localspace]\ndev=/dev/sda1\n")
    assert f"{file}:2: [localspace] names no directories" in why_not(site)
    site.set("node", "n1", rootkind="disk")
    file.write_text("enable=yes\n[swapspace]\ndev=/dev/sda1\n")
    assert f"{file}:1: rootkind=disk needs a [rootspace]" in why_not(site)
    file.unlink()
    assert f"The partitionfile specified '{file}' does not exist!" in why_not(site)
    site.set("osimage", IMAGE, partitionfile="s:/x")
    assert "partitionfile=s:/x is refused: a script makes partitions for an installer" in why_not(site)
    assert not (site.boot / "nodes/n1.ipxe").exists()


def test_the_version_must_have_what_it_takes(site: Site, file: Path) -> None:
    publish(site, b"older", IMAGE)
    assert "was packed before its osimage had a partitionfile" in why_not(site)
    publish(site, b"root", IMAGE, rootkinds=["disk"], programs=[{"blkid": "0"}])
    file.write_text(LAYOUT.replace("fstype=ext4", "fstype=xfs"))
    assert f"sb genimage {IMAGE}, sb packimage {IMAGE}" in why_not(site)
    publish(site, b"root", IMAGE, rootkinds=["disk"], programs=[{"mkfs.xfs": "0"}])
    assert "10%:xfs:keep:" in words(site)[0]
    publish(site, b"root", IMAGE, rootkinds=["disk"], programs=[{"mkfs.xfs": "0"}], unpacked=7)
    site.set("node", "n1", rootkind="disk")
    assert "is an archive, and rootkind=disk needs a root that can be mounted" in why_not(site)


def test_directories_come_from_litefile_where_the_file_names_none(site: Site, file: Path) -> None:
    file.write_text("enable=yes\n[localspace]\ndev=/dev/sda1\n")
    rows = [("ALL", "/tmp/", "localdisk"), (IMAGE, "/var/", "localdisk"), ("other", "/opt/", "localdisk"),
            ("ALL", "/root/", "persistent")]  # fmt: skip
    keys = table_of("litefile").keys
    with site.store.write("test") as transaction:
        for image, path, options in rows:
            transaction.put("table.litefile", f"{image} {path}", {"image": image, "file": path, "options": options})
    assert keys == ("image", "file")
    assert words(site) == ["sbkernel.disk=/dev/sda,none,keep,1:ext4:keep:/tmp+/var"]
