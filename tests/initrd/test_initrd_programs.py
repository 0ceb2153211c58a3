"""Programs that are added to an initrd: whose they are, what they need, and that the bytes are always the same."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sbkernel.errors import BuildError
from sbkernel.images.initrd.programs import PLACE, Program, add_programs, programs_for
from sbkernel.images.tree import elf

NOWHERE = Path("/nonexistent")


def copy_into(tree: Path, program: Program) -> None:
    """Give a tree a program of this host, where Debian has it, behind links as Debian has them."""
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    (tree / "usr/lib64").mkdir()
    (tree / "lib64").symlink_to("/usr/lib64")
    shutil.copy(program.file, tree / "usr/bin" / program.name)
    for name, file in program.libraries:
        shutil.copy(file, tree / "usr/lib/x86_64-linux-gnu" / f"{name}.1")
        (tree / "usr/lib/x86_64-linux-gnu" / name).symlink_to(f"{name}.1")
    assert program.loader
    (tree / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")


def test_what_a_program_needs_is_read_as_the_loader_reads_it() -> None:
    found = elf.linked(Path("/usr/bin/zstd"))
    listed = subprocess.run(["ldd", "/usr/bin/zstd"], capture_output=True, text=True, check=True).stdout
    libraries = {line.split()[0] for line in listed.splitlines() if "=>" in line}
    (program,) = programs_for(["zstd"], NOWHERE)
    assert found and found.loader == "/lib64/ld-linux-x86-64.so.2" and set(found.needed) <= libraries
    assert libraries <= {name for name, _ in program.libraries}
    static = elf.linked(Path("/usr/bin/busybox"))
    assert static and (static.loader, static.needed) == ("", ())


@pytest.mark.parametrize("size", [0, 10, 63, 200, 5000, 20_000])
def test_a_broken_file_is_no_program(tmp_path: Path, size: int) -> None:
    (tmp_path / "x").write_bytes(Path("/usr/bin/zstd").read_bytes()[:size])
    found = elf.linked(tmp_path / "x")
    assert found is None or found.needed == ()
    assert elf.linked(tmp_path / "none") is None


def test_the_program_of_the_tree_comes_first_and_all_come_from_one_place(tmp_path: Path) -> None:
    (host,) = programs_for(["zstd"], NOWHERE)
    copy_into(tmp_path, host)
    (own,) = programs_for(["zstd"], tmp_path)
    files = [own.file, own.loader, *(path for _, path in own.libraries)]
    assert all(file and file.is_relative_to(tmp_path) for file in files)
    assert own.facts == host.facts
    both = programs_for(["tar", "zstd"], tmp_path)
    assert not any(one.file.is_relative_to(tmp_path) for one in both), "libraries of two places do not mix"
    (tmp_path / "usr/lib/x86_64-linux-gnu/libc.so.6").unlink()
    (again,) = programs_for(["zstd"], tmp_path)
    assert again.file == host.file, "one that lacks a library is none"


def test_no_program_of_another_machine_is_taken(tmp_path: Path) -> None:
    foreign = bytearray(Path("/bin/true").read_bytes())
    foreign[18] = 183
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").write_bytes(foreign)
    with pytest.raises(BuildError, match="there is no zstd for their initrd"):
        programs_for(["zstd"], tmp_path)
    assert programs_for([], tmp_path) == ()


@pytest.mark.parametrize("method", ["gzip", "zstd"])
def test_the_same_bytes_whatever_the_umask_and_packed_as_the_initrd_is(tmp_path: Path, method: str) -> None:
    initrd = tmp_path / "initrd"
    initrd.write_bytes(gzip.compress(b"archive", mtime=0) if method == "gzip" else b"\x28\xb5\x2f\xfd" + b"x" * 10)
    programs = programs_for(["tar", "zstd"], NOWHERE)
    add_programs(initrd, programs, tmp_path / "one")
    before = os.umask(0o077)
    try:
        add_programs(initrd, programs, tmp_path / "two")
    finally:
        os.umask(before)
    whole = (tmp_path / "one").read_bytes()
    assert whole == (tmp_path / "two").read_bytes() and whole.startswith(initrd.read_bytes())
    added = whole[-(-initrd.stat().st_size // 4) * 4 :]
    reader = {"gzip": "zcat", "zstd": "zstdcat"}[method]
    plain = subprocess.run([reader], input=added, capture_output=True, check=True).stdout
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-id", "--quiet"], input=plain, cwd=out, check=True)
    place = out / PLACE
    words = [place / "tar.loader", "--library-path", place, place / "tar", "--version"]
    assert b"GNU tar" in subprocess.run(words, capture_output=True, check=True, env={}).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["initrd", "one", "out", "two"]
