"""fstab as xCAT leaves it, and default list files in xCAT's order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.listpaths import candidates, platform
from sbkernel.errors import DefinitionError, ListFileError
from sbkernel.lists import fstab, lookup
from sbkernel.lists.fstab import Mount


def fields(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_debian_has_seven_lines_without_sizes() -> None:
    assert fields(fstab.default("lab", "x86_64", "debian12")) == [
        ["devpts", "/dev/pts", "devpts", "gid=5,mode=620", "0", "0"],
        ["tmpfs", "/dev/shm", "tmpfs", "defaults", "0", "0"],
        ["proc", "/proc", "proc", "defaults", "0", "0"],
        ["sysfs", "/sys", "sysfs", "defaults", "0", "0"],
        ["tmpfs", "/tmp", "tmpfs", "defaults", "0", "2"],
        ["tmpfs", "/var/tmp", "tmpfs", "defaults", "0", "2"],
        ["lab_x86_64", "/", "tmpfs", "rw", "0", "1"],
    ]


def test_red_hat_has_three_lines_and_sles_sizes() -> None:
    assert len(fields(fstab.default("compute", "x86_64", "rocky9.4"))) == 3
    assert ["tmpfs", "/tmp", "tmpfs", "defaults,size=10m", "0", "2"] in fields(fstab.default("c", "x86_64", "sle15.5"))


WORDS = st.from_regex(r"[A-Za-z0-9/=,._-]{1,12}", fullmatch=True)
MOUNTS = st.builds(Mount, WORDS, WORDS, WORDS, WORDS, st.integers(0, 9), st.integers(0, 9))


@given(st.lists(MOUNTS))
def test_composed_fstabs_parse_to_the_same(mounts: list[Mount]) -> None:
    assert fstab.parse(fstab.compose(mounts)).mounts == tuple(mounts)


def test_options_may_be_left_out() -> None:
    read = fstab.parse("# note\n\n/dev/sda1 /scratch ext4\n")
    assert read.mounts == (Mount("/dev/sda1", "/scratch", "ext4", "defaults"),)
    assert read.diagnostics == ()


@pytest.mark.parametrize(
    ("text", "says", "count"),
    [
        ("a /b\n", "fstab:1:1: error: expected 3 to 6 fields, found 2", 0),
        ("\n  a /b c d x 0\n", "fstab:2:3: error: the fifth and sixth field must be numbers", 0),
        ("a /b c d 0 0 # note\n", "fstab:1:1: warning: ignored from the seventh field on: # note", 1),
        ("a b c d 0 0\n", "fstab:1:1: error: b is not a directory to mount on", 1),
        ("a /b c d 0 0\r\n", "fstab:1:13: warning: the line ends in CR LF", 1),
        ("a /b c\nd /b e\n", "fstab:2:1: warning: /b is already mounted in line 1", 2),
    ],
)
def test_what_mount_ignores_or_refuses_is_said(text: str, says: str, count: int) -> None:
    read = fstab.parse(text)
    assert [str(one) for one in read.diagnostics] == [says]
    assert len(read.mounts) == count
    assert all(one.remedy for one in read.diagnostics)


def test_swap_and_escaped_blanks_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "fstab"
    file.write_text("UUID=1 none swap sw\n/dev/b /mnt/my\\040disk xfs\n")
    assert fstab.load(file).diagnostics == ()
    assert fstab.unescaped(fstab.load(file).mounts[1].file) == "/mnt/my disk"
    file.write_text("one two\n")
    with pytest.raises(ListFileError, match="fstab:1: expected 3 to 6 fields"):
        fstab.load(file)


@pytest.mark.parametrize(
    ("osvers", "name"),
    [("debian12", "debian"), ("rhels9.4", "rh"), ("rocky9.6", "rocky"), ("sle15.5", "sles"), ("leap15.4", "sles")],
)
def test_platform(osvers: str, name: str) -> None:
    assert platform(osvers) == name


def test_unknown_platform_is_an_error() -> None:
    with pytest.raises(DefinitionError, match="templeos"):
        platform("templeos5")


def test_candidates_count_the_minor_version_down() -> None:
    names = candidates("compute", "rocky9.2", "x86_64", "pkglist")
    assert names == [
        f"compute.{version}{arch}pkglist"
        for version in ("rocky9.2", "rocky9.1", "rocky9.0", "rocky9")
        for arch in (".x86_64.", ".")
    ] + ["compute.x86_64.pkglist", "compute.pkglist"]


def test_candidates_of_ubuntu_stop_at_the_release() -> None:
    assert candidates("c", "ubuntu24.04.2", "x", "e") == [
        "c.ubuntu24.04.2.x.e", "c.ubuntu24.04.2.e", "c.ubuntu24.04.1.x.e", "c.ubuntu24.04.1.e",
        "c.ubuntu24.04.x.e", "c.ubuntu24.04.e", "c.x.e", "c.e",
    ]  # fmt: skip


def test_find_prefers_the_sites_own_directory_then_the_better_name(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    own.mkdir()
    shipped.mkdir()
    (shipped / "compute.debian12.x86_64.pkglist").touch()
    (shipped / "compute.pkglist").touch()
    assert (
        lookup.find([own, shipped], "compute", "debian12", "x86_64", "pkglist")
        == shipped / "compute.debian12.x86_64.pkglist"
    )
    (own / "compute.pkglist").touch()
    assert lookup.find([own, shipped], "compute", "debian12", "x86_64", "pkglist") == own / "compute.pkglist"
    assert lookup.find([own, shipped], "login", "debian12", "x86_64", "pkglist") is None


def test_postinstall_has_to_be_executable(tmp_path: Path) -> None:
    (tmp_path / "compute.postinstall").touch(mode=0o644)
    assert lookup.find([tmp_path], "compute", "debian12", "x86_64", "postinstall") is None
    (tmp_path / "compute.postinstall").chmod(0o755)
    assert lookup.find([tmp_path], "compute", "debian12", "x86_64", "postinstall")
