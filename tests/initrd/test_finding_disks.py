"""How the initrd finds the disk that a partitionfile means: by the names of udev, by size, or as the only one."""

import pytest
from sysfsmachine import VIRTIO, Machine


def found(machine: Machine, dev: str) -> str:
    return machine.run(f"find_disk '{dev}' && echo $disk")


SECOND = "pci0000:00/0000:00:05.0/virtio2"
ATA = "pci0000:00/0000:00:1f.2/ata3/host4/target4:0:0/4:0:0:0"
SCSI = "pci0000:00/0000:00:06.0/host7/target7:0:3/7:0:3:1"
NVME = "pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0"
USB = "pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/host9/target9:0:0/9:0:0:0"
DESIGNATOR = "\x02\x01\x00DATA     SAMSUNG MZ7LH240HAHQ-00005              S45RNE0M512345      "


@pytest.mark.parametrize(
    ("name", "where", "facts", "names"),
    [
        ("vda", VIRTIO, {"serial": "scratch 1\n"}, ["by-path/pci-0000:00:04.0", "by-id/virtio-scratch_1"]),
        ("sda", ATA, {"device__vpd_pg83": DESIGNATOR, "device__wwid": "naa.5002538e00000001\n"},
         ["by-path/pci-0000:00:1f.2-ata-1", "by-id/wwn-0x5002538e00000001",
          "by-id/ata-SAMSUNG_MZ7LH240HAHQ-00005_S45RNE0M512345"]),
        ("sdb", SCSI, {}, ["by-path/pci-0000:00:06.0-scsi-1:0:3:1"]),
        ("nvme0n1", NVME, {"nsid": "1\n", "wwid": "eui.0025385b01234567\n", "device__model": "Some  SSD   \n",
                           "device__serial": "S123  \n"},
         ["by-path/pci-0000:02:00.0-nvme-1", "by-id/nvme-Some_SSD_S123", "by-id/nvme-eui.0025385b01234567"]),
    ],
)  # fmt: skip
def test_a_disk_is_found_by_all_its_names(
    machine: Machine, name: str, where: str, facts: dict[str, str], names: list[str]
) -> None:
    machine.add(name, where, **facts)
    machine.add("sdz", "pci0000:00/0000:00:07.0/virtio9", serial="\n")
    (machine.sys / "class/ata_port/ata3").mkdir(parents=True)
    (machine.sys / "class/ata_port/ata3/port_no").write_text("1\n")
    (machine.sys / "devices/pci0000:00/0000:00:06.0/host6").mkdir(parents=True)
    for dev in (f"/dev/{name}", *(f"/dev/disk/{one}" for one in names)):
        assert found(machine, dev) == name


HBA = "pci0000:3a/0000:3a:00.0/0000:3b:00.0/host0"
SAS_DISK = {"device__wwid": "naa.5000c500a1b2c3d7\n", "device__vpd_pg83": "\x01\x03\x00\x08P\x00"}


@pytest.mark.parametrize(
    ("where", "phys", "name"),
    [
        ("port-0:2/end_device-0:2/target0:0:1/0:0:1:0", "1", "sas-phy5-lun-0"),
        ("port-0:2/end_device-0:2/target0:0:1/0:0:1:0", "4", "sas-0x5000c500a1b2c3d5-lun-0"),
        ("port-0:0/expander-0:0/port-0:0:7/end_device-0:0:7/target0:0:7/0:0:7:3", "1",
         "sas-exp0x500304801f2e3dbf-phy5-lun-3"),
    ],
)  # fmt: skip
def test_a_disk_on_sas_is_found_where_it_is_plugged_in(machine: Machine, where: str, phys: str, name: str) -> None:
    machine.add("sda", f"{HBA}/{where}", **SAS_DISK)
    machine.add("sdb", f"{HBA}/port-0:9/end_device-0:9/target0:0:9/0:0:9:0")
    words = where.split("/")
    end_device, port = (next(word for word in reversed(words) if word.startswith(kind)) for kind in ("end_", "port-"))
    for kind, one, facts in (
        ("sas_device", end_device, {"sas_address": "0x5000c500a1b2c3d5", "phy_identifier": "5"}),
        ("sas_device", "expander-0:0", {"sas_address": "0x500304801f2e3dbf"}),
        ("sas_port", port, {"num_phys": phys}),
    ):
        (about := machine.sys / "class" / kind / one).mkdir(parents=True)
        for fact, value in facts.items():
            (about / fact).write_text(f"{value}\n")
    for dev in (f"by-path/pci-0000:3b:00.0-{name}", "by-id/wwn-0x5000c500a1b2c3d7", "by-id/scsi-35000c500a1b2c3d7"):
        assert found(machine, f"/dev/disk/{dev}") == "sda"
    assert machine.run("disk_names sdb") == "/dev/sdb", "its driver tells nothing of SAS"


def test_only_a_disk_without_a_rival_is_chosen(machine: Machine) -> None:
    assert found(machine, "only").startswith("failed: no disk of this node is dev=only")
    machine.add("vdb", VIRTIO, 2000)
    machine.add("sda", USB)
    machine.add("sr0", "pci0000:00/0000:00:01.1/ata1/host0/target0:0:0/0:0:0:0")
    assert found(machine, "only") == "vdb"
    machine.add("vda", SECOND, 9000, serial="two")
    said = found(machine, "only").splitlines()
    assert said[0] == "failed: several disks of this node can be dev=only, and it is not for chance to choose one"
    assert "vdb, 2000 MB, /dev/disk/by-path/virtio-pci-0000:00:04.0;vda, 9000 MB, /dev/disk/by-id/virtio-two" in said[1]
    assert found(machine, "first") == "vdb", "where it is plugged in tells, not its name"
    assert (found(machine, "size:0-3000000000"), found(machine, "size:3000000000-")) == ("vdb", "vda")
    assert found(machine, "size:1-").startswith("failed: several disks of this node can be dev=size:1-")
    assert found(machine, "/dev/vdc").startswith("failed: no disk of this node is dev=/dev/vdc")


def test_a_disk_that_comes_late_is_waited_for(machine: Machine) -> None:
    """A disk that was there alone when the drivers came is not the only one if another one follows."""
    machine.add("vda", VIRTIO)
    machine.add("vdb", SECOND)
    (machine.sys / "block/vdb").rename(machine.sys / "vdb")
    late = f"sleep() {{ clock=$((clock + 1)); [ $clock = 2 ] && mv {machine.sys}/vdb {machine.sys}/block/vdb; }}\n"
    said = machine.run(f"command_line=sbkernel.disk=only\nnote_disks\n{late}find_disk only")
    assert said.startswith("failed: several disks of this node can be dev=only")
