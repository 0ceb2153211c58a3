"""Decisions of the initrd about what is on local disks, in the shell that it has: on files and a made-up sysfs."""

import os
import subprocess
from pathlib import Path

import pytest
from sysfsmachine import MIB, VIRTIO, Machine


def layout(machine: Machine, text: str, parts: str = "10%:swap:keep: rest:ext4:keep:/var", table: str = "gpt") -> str:
    return machine.run(f"disk=vda\ntable={table}\nparts='{parts}'\nrule=keep\nis_new=\n{text}")


def tables(machine: Machine) -> str:
    return subprocess.run(["/sbin/sfdisk", "-d", machine.dev / "vda"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("table", ["gpt", "msdos"])
def test_partitions_are_made_and_known_again(machine: Machine, table: str) -> None:
    machine.add("vda", VIRTIO, 100)
    assert layout(machine, "look_at_disk; echo $disk_state", table=table) == "empty"
    made = "partition_of() { echo vda2; }\nsettle_table && echo $disk_said"
    assert layout(machine, made, table=table).splitlines()[-1] == "made"
    dumped = tables(machine)
    assert "start=        2048, size=       20480" in dumped and "start=       22528, size=      180224" in dumped
    assert layout(machine, "look_at_disk; echo $disk_state", table=table) == "ours"
    assert layout(machine, "settle_table; echo $is_new", table=table) == "disk vda: its partitions are kept"
    assert tables(machine) == dumped
    other = layout(machine, "look_at_disk; echo $disk_state", "20%:swap:keep: rest:ext4:keep:/var", table)
    assert other == "other"


@pytest.mark.parametrize(
    ("parts", "fits"),
    [("8000000", "start=2048, size=14336"), ("99%", "start=2048, size=200704"), ("rest", "start=2048"),
     ("20000000-30000000", "start=40960, size=16384"), ("200000000", None), ("500000", None),
     ("50000000-50100000", None), ("rest rest", None)],
)  # fmt: skip
def test_what_does_not_fit_is_said(machine: Machine, parts: str, fits: str | None) -> None:
    machine.add("vda", VIRTIO, 100)
    words = " ".join(f"{part}:ext4:keep:" for part in parts.split())
    said = layout(machine, "settle_table" if fits is None else "lay_out", words)
    if fits is None:
        assert said.startswith("failed: the disk vda is too small for its partitions") and not tables(machine)
    else:
        assert fits in said


def filesystem(disk: Path) -> None:
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-L", "precious", disk], check=True)


def foreign_table(disk: Path) -> None:
    subprocess.run(["/sbin/sfdisk", "-q", disk], input="label: gpt\n,10M\n", text=True, check=True)


def raw_data(disk: Path) -> None:
    with disk.open("r+b") as file:
        file.seek(70000)
        file.write(b"a database without a signature")


@pytest.mark.parametrize(
    ("content", "holds"),
    [(filesystem, "holds     ext2"), (foreign_table, "holds     partitions (gpt)"),
     (raw_data, "holds     data of an unknown kind")],
)  # fmt: skip
def test_what_others_have_written_stays_unless_a_rule_says_so(machine: Machine, content: object, holds: str) -> None:
    disk = machine.add("vda", VIRTIO, 100)
    assert callable(content)
    content(disk)
    before = disk.read_bytes()
    said = layout(machine, "settle_table")
    assert said.startswith("failed: the disk vda holds something that nobody said may be destroyed")
    assert holds in said and disk.read_bytes() == before
    for rule in ("clear", "wipe"):
        content(disk)
        done = layout(
            machine, f"partition_of() {{ echo vda2; }}\nrule={rule}\nsettle_table; look_at_disk; echo $disk_state"
        )
        assert done.splitlines()[-1] == "ours"


def test_a_kept_table_is_made_anew_by_wipe_alone(machine: Machine) -> None:
    machine.add("vda", VIRTIO, 100)
    ready = "partition_of() { echo vda2; }\n"
    layout(machine, f"{ready}settle_table")
    assert "kept" in layout(machine, f"{ready}rule=clear\nsettle_table")
    assert "making its partitions" in layout(machine, f"{ready}rule=wipe\nsettle_table")


def partition(machine: Machine, use: str, more: str = "") -> str:
    """Settle a partition that is there already; `mount` and `swapon` only say what they are asked."""
    said = 'mount() { echo "mount $*"; }\numount() { :; }\nmodprobe() { :; }\n'
    taken = f"number=1\ntype=${{use%%:*}}\npart_rule=keep\nuse=\n{more}settle_partition"
    return layout(machine, f"run={machine.dev}\n{said}use={use}:\n{taken}", table="none")


@pytest.fixture
def part(machine: Machine) -> Path:
    disk = machine.add("vda", VIRTIO, 100)
    (machine.sys / "block/vda/vda1").mkdir()
    (machine.sys / "block/vda/vda1/partition").write_text("1\n")
    foreign_table(disk)
    file = machine.dev / "vda1"
    with file.open("wb") as stream:
        stream.truncate(32 * MIB)
    return file


@pytest.mark.parametrize(("content", "what"), [(filesystem, "ext2"), (raw_data, "data of an unknown kind")])
def test_a_partition_of_somebody_else_is_not_made_anew(
    machine: Machine, part: Path, content: object, what: str
) -> None:
    assert callable(content)
    content(part)
    before = part.read_bytes()
    for use in ("ext4", "swap"):
        said = partition(machine, use)
        assert said.startswith(f"failed: the partition vda1 holds {what} where {use} is wanted")
        assert part.read_bytes() == before
    assert "holds     partitions (gpt), vda1 " in said
    done = partition(machine, "ext4", "part_rule=wipe\n")
    assert f"mount -t ext4 {part} {machine.dev}/disk/vda1" in done.splitlines(), done


def test_an_empty_partition_is_filled_and_then_kept(machine: Machine, part: Path) -> None:
    assert partition(machine, "ext4").startswith("making ext4 on vda1")
    made = part.read_bytes()
    assert partition(machine, "ext4").splitlines()[-1] == "kept: ext4 on vda1"
    assert part.read_bytes()[4096:] == made[4096:]
    assert partition(machine, "ext4", "number=2\n").startswith("failed: the disk vda has no partition 2")


def test_what_an_interrupted_boot_has_left_of_a_file_system_is_made_anew(machine: Machine, part: Path) -> None:
    """Only in a partition of our own; somebody else's file system has no mark either."""
    partition(machine, "ext4")
    said = partition(machine, "ext4", "table=gpt\nrm -f $run/disk/vda1/.sbkernel\n")
    assert "making ext4 on vda1" in said


def test_a_damaged_file_system_is_said(machine: Machine, part: Path) -> None:
    partition(machine, "ext4")
    content = bytearray(part.read_bytes())
    content[2048 : 24 * MIB] = bytes([0xA5]) * (24 * MIB - 2048)
    part.write_bytes(content)
    said = partition(machine, "ext4")
    assert said.startswith("failed: the file system on vda1 is damaged") and "policy=wipe in the partitionfile" in said
    said = partition(machine, "ext4", "table=gpt\nuse=root+ram\n")
    assert "what it holds is fetched again" in said and "making ext4 on vda1" in said


def test_a_node_goes_on_in_memory_only_where_that_is_asked_for(machine: Machine) -> None:
    word = "sbkernel.disk=only,gpt,keep,100%:ext4:keep:root+ram"
    assert machine.run(f"command_line='{word}'\nkind=disk\nprepare_disks").startswith("failed: no disk of this node")
    said = machine.run(f"command_line='{word} sbkernel.diskfail=ram'\nkind=disk\nprepare_disks\necho $kind")
    assert said.splitlines()[0].startswith("no disk of this node is dev=only; the node goes on in memory")
    assert said.splitlines()[-1] == "ram"
    said = machine.run("kind=disk\nprepare_disks")
    assert said.startswith("failed: there is no disk for the root")


class Tree:
    """A directory of an image and where it is kept on a disk."""

    def __init__(self, machine: Machine, place: Path) -> None:
        self.machine, self.root, self.store = machine, place / "newroot", place / "store"
        (self.root / "var/log").mkdir(parents=True)
        self.store.mkdir()
        self.kept = self.store / "directories/var"
        (self.root / "var").chmod(0o751)
        (self.root / "var/link").symlink_to("log")

    def write(self, name: str, text: str, age_s: int = 1000) -> None:
        (self.root / "var" / name).write_text(text)
        os.utime(self.root / "var" / name, (age_s, age_s))

    def settle(self, digest: str, more: str = "", directory: str = "/var") -> str:
        names = f"root={self.root}\ndigest={digest}\ndisk_directories='{directory}:{self.store}'\n"
        said = self.machine.run(f"{names}mount() {{ :; }}\numount() {{ :; }}\n{more}settle_directories")
        return said.replace(str(self.store), "")

    def texts(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.kept)): path.read_text()
            for path in sorted(self.kept.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


@pytest.fixture
def tree(machine: Machine, tmp_path: Path) -> Tree:
    return Tree(machine, tmp_path)


def test_a_directory_is_filled_once_and_a_new_image_brings_what_is_new(tree: Tree) -> None:
    for name in ("changed", "same", "removed", "gone from the image", "odd \\ [name]*"):
        tree.write(name, "1")
    assert tree.settle("one") == "/var: filling it on the local disk"
    assert tree.kept.stat().st_mode & 0o777 == 0o751 and (tree.kept / "link").readlink() == Path("log")
    (tree.kept / "changed").write_text("by hand")
    (tree.kept / "removed").unlink()
    (tree.kept / "log/messages").write_text("a log")
    before = tree.texts()
    assert tree.settle("one") == "/var: kept" and tree.texts() == before
    for name in ("changed", "same", "removed", "new", "odd \\ [name]*"):
        tree.write(name, "2", 1000)
    (tree.root / "var/gone from the image").unlink()
    assert tree.settle("two") == "/var: kept; what is new in the image comes along"
    assert tree.texts() == {
        "changed": "by hand", "same": "2", "new": "2", "odd \\ [name]*": "2", "log/messages": "a log",
        "gone from the image": "1",
    }  # fmt: skip
    tree.write("same", "33", 1000)
    assert tree.settle("three") and tree.texts()["same"] == "33" and tree.texts()["changed"] == "by hand"
    assert "removed" not in tree.texts()


def test_filling_that_was_interrupted_begins_anew(tree: Tree) -> None:
    tree.write("file", "1")
    said = tree.settle("one", "note_image() { echo cut >&2; exit 1; }\n")
    assert "filling" in said and tree.texts() == {"file": "1"}
    (tree.kept / "half").write_text("half")
    assert tree.settle("one") == "/var: filling it on the local disk" and tree.texts() == {"file": "1"}


def test_a_link_of_the_image_is_not_followed(tree: Tree) -> None:
    (tree.root / "scratch").symlink_to("/run")
    said = tree.settle("one", directory="/scratch/data")
    assert said.startswith("failed: /scratch/data cannot be put on the local disk") and "/scratch is a link" in said


def test_a_root_that_is_filled_has_them_on_the_disk_at_once(tree: Tree) -> None:
    """The image's files come to where the directory is kept, as mount(8) would have it there."""
    names = f"root={tree.root}\ndisk_directories='/var:{tree.store}'\nmount() {{ echo \"$*\"; }}\n"
    said = tree.machine.run(f"{names}bind_directories; echo $bound")
    assert said.splitlines() == [f"-o bind {tree.kept}.new {tree.root}/var", "yes"]
    (Path(f"{tree.kept}.new") / "from-the-image").write_text("x")
    assert tree.settle("one", "bound=yes\n") == "/var: filling it on the local disk"
    assert tree.texts() == {"from-the-image": "x"} and not Path(f"{tree.kept}.new").exists()


def test_a_layer_without_a_hash_tree_is_summed_over_a_root_that_has_one(machine: Machine, tmp_path: Path) -> None:
    """What dm-verity does not check when it is read is read as a whole before each boot from the disk."""
    (file := tmp_path / "layer").write_bytes(b"changed")
    asked = f"is_as_written {file} {'0' * 64} 7 url layer"
    assert machine.run(f"verity=ab\n{asked} cd && echo yes") == "yes"
    assert machine.run(f"verity=ab\n{asked} '' || echo no") == "no"
    assert machine.run(f"verity=\n{asked} cd || echo no") == "no", "this node cannot use hash trees"
    file.with_name("layer.suspect").touch()
    assert machine.run(f"verity=ab\n{asked} cd || echo no") == "no"
