"""Building the initrd from a real kernel's modules: the same bytes, the right machine, no half of a file."""

import lzma
import os
import subprocess
from pathlib import Path

import pytest

from sbkernel.errors import BuildError
from sbkernel.images.initrd.archive import compression
from sbkernel.images.initrd.build import build_initrd
from sbkernel.images.initrd.files import busybox_for, copy_firmware
from sbkernel.images.tree import elf

KVER = "6.1.0"


@pytest.fixture(scope="module")
def tree(kernel_tree: Path, kernelver: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with two real modules, as another distribution ships them: one packed by xz, one by zstd."""
    root = tmp_path_factory.mktemp("tree")
    modules = root / "usr/lib/modules" / KVER
    (modules / "kernel").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    source = next(kernel_tree.rglob("modules.dep")).parent
    failover = (source / "kernel/net/core/failover.ko").read_bytes()
    (modules / "kernel/failover.ko.xz").write_bytes(lzma.compress(failover, check=lzma.CHECK_CRC32))
    packed = modules / "kernel/mlx4_core.ko.zst"
    found = next(source.rglob("mlx4_core.ko"))
    subprocess.run(["zstd", "-q", "-1", found, "-o", packed], check=True)
    subprocess.run(["depmod", "-b", root, KVER], check=True)
    return root


def listing(initrd: Path) -> dict[str, list[str]]:
    reader = {b"\x28\xb5\x2f\xfd": "zstdcat", b"\x1f\x8b\x08\x00": "zcat"}[initrd.read_bytes()[:4]]
    archive = subprocess.run([reader, initrd], capture_output=True, check=True).stdout
    lines = subprocess.run(["cpio", "-itvn", "--quiet"], input=archive, capture_output=True, check=True).stdout.decode()
    return {line.split()[8]: line.split() for line in lines.splitlines()}


def build(tree: Path, output: Path, *drivers: str) -> dict[str, list[str]]:
    build_initrd(tree, KVER, drivers or ("failover", "mlx4_core"), output)
    return listing(output)


def test_same_input_same_bytes_whatever_umask_and_clock(tree: Path, tmp_path: Path) -> None:
    build(tree, tmp_path / "one")
    before = os.umask(0o077)
    try:
        build(tree, tmp_path / "two")
    finally:
        os.umask(before)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_holds_unpacked_modules_and_one_program_all_owned_by_root(tree: Path, tmp_path: Path) -> None:
    files = build(tree, tmp_path / "initrd")
    assert files["init"][0] == files["bin/busybox"][0] == "-rwxr-xr-x"
    assert {f"lib/modules/{KVER}/{name}.ko" for name in ("failover", "mlx4_core")} <= files.keys()
    assert {tuple(words[2:4]) for words in files.values()} == {("0", "0")}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_kernel_that_does_not_say_that_it_knows_zstd_gets_gzip(tree: Path, tmp_path: Path) -> None:
    build(tree, tmp_path / "initrd")
    assert (tmp_path / "initrd").read_bytes()[:2] == b"\x1f\x8b"
    assert compression("# x\nCONFIG_RD_ZSTD=y\n") == "zstd"
    assert compression("# CONFIG_RD_ZSTD is not set\n") == "gzip"


def test_a_wrong_driver_leaves_the_old_initrd(tree: Path, tmp_path: Path) -> None:
    build(tree, tmp_path / "initrd")
    before = (tmp_path / "initrd").read_bytes()
    with pytest.raises(BuildError, match="no driver mlx4_cor"):
        build(tree, tmp_path / "initrd", "mlx4_cor")
    assert (tmp_path / "initrd").read_bytes() == before


def test_a_kernel_that_is_not_there_names_those_that_are(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"no modules of the kernel 9\.9") as caught:
        build_initrd(tree, "9.9", [], tmp_path / "initrd")
    assert caught.value.hint == f"it has {KVER}"


def test_a_half_installed_kernel_is_named(tmp_path: Path) -> None:
    (tmp_path / "lib/modules" / KVER).mkdir(parents=True)
    with pytest.raises(BuildError, match=r"modules\.dep"):
        build_initrd(tmp_path, KVER, [], tmp_path / "initrd")


def test_firmware_is_copied_packed_or_not_and_what_is_missing_is_said(tmp_path: Path) -> None:
    tree, firmware = tmp_path / "tree", tmp_path / "tree/lib/firmware"
    (firmware / "a").mkdir(parents=True)
    (firmware / "a/b.fw.xz").write_bytes(b"packed")
    (firmware / "real.fw").write_bytes(b"real")
    (firmware / "c.fw").symlink_to("/lib/firmware/real.fw")
    out = tmp_path / "out"
    assert copy_firmware(tree, KVER, ["a/b.fw", "c.fw", "d.fw"], out) == ["d.fw"]
    assert {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.*")} == {
        "a/b.fw.xz": b"packed",
        "c.fw": b"real",
    }


def test_firmware_is_not_taken_from_outside_the_tree(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("host")
    (tmp_path / "tree/lib/firmware").mkdir(parents=True)
    (tmp_path / "tree/lib/firmware/x.fw").symlink_to("../../../secret")
    assert copy_firmware(tmp_path / "tree", KVER, ["x.fw", "../../../secret"], tmp_path / "out/fw") == [
        "x.fw", "../../../secret",
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["link", "directory", "list"])
def test_no_module_is_taken_from_outside_the_tree(tmp_path: Path, how: str) -> None:
    """Every node fetches the initrd, so a file of this host in it would be public."""
    secret, tree = tmp_path / "host" / "secret.ko", tmp_path / "tree"
    secret.parent.mkdir()
    secret.write_text("of this host")
    modules = tree / "usr/lib/modules" / KVER
    (modules / "kernel").mkdir(parents=True)
    named = {"link": "kernel/secret.ko", "directory": "linked/secret.ko", "list": f"{'../' * 20}{secret}"}
    (modules / "kernel/secret.ko").symlink_to(secret)
    (modules / "linked").symlink_to(secret.parent)
    (modules / "modules.dep").write_text(f"{named[how]}:\n")
    with pytest.raises(BuildError, match=r"has no .*secret\.ko, which its modules\.dep names"):
        build_initrd(tree, KVER, ["secret"], tmp_path / "initrd")
    assert not (tmp_path / "initrd").exists()


def test_no_busybox_of_another_machine_is_taken(tmp_path: Path) -> None:
    assert busybox_for("x86_64", tmp_path).name == "busybox"
    with pytest.raises(BuildError, match="no static busybox for aarch64") as caught:
        busybox_for("aarch64", tmp_path)
    assert str(caught.value.hint).startswith("add busybox-static to the pkglist, or")
    foreign = bytearray(Path("/usr/bin/busybox").read_bytes()[:4096])
    foreign[18] = 183
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/busybox").write_bytes(foreign)
    assert busybox_for("aarch64", tmp_path) == tmp_path / "bin/busybox"


def test_elf_files_are_told_apart() -> None:
    shell = elf.read_elf_file(Path("/bin/sh"))
    busybox = elf.read_elf_file(Path("/usr/bin/busybox"))
    assert shell and not shell.static and shell.machine == "x86_64"
    assert busybox and busybox.static
    assert elf.read_elf(b"#!/bin/sh\n" * 10) is None
    assert elf.read_elf_file(Path("/nonexistent")) is None
