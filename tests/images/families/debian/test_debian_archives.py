"""Archives are decompressed ahead of dpkg: the same members in, or the archive is left to dpkg as it is."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.families.debian.archives import decompress, parted
from sbkernel.images.families.debian.records import index
from sbkernel.images.families.resolved import Resolved

GOES_ON = threading.Event()
REPEATABLE = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def archive(place: Path, contents: bytes, how: str = "xz") -> Path:
    root = place / "root"
    (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN/control").write_text(
        "Package: own\nVersion: 1:1.0\nArchitecture: all\nMaintainer: t <t@t.invalid>\nDescription: made by a test\n"
    )
    (root / "file").write_bytes(contents)
    target = place / "own.deb"
    subprocess.run(["dpkg-deb", f"-Z{how}", "--build", root, target], check=True, capture_output=True)
    return target


def said(option: str, file: Path) -> bytes:
    return subprocess.run(["dpkg-deb", option, file], check=True, capture_output=True).stdout


@given(contents=st.binary(max_size=3000).map(lambda data: data * 50))
@REPEATABLE
def test_dpkg_reads_the_same_from_it(contents: bytes, tmp_path: Path) -> None:
    source, target = archive(tmp_path, contents), tmp_path / "plain.deb"
    before = source.read_bytes()
    assert decompress(source, target, GOES_ON) == target.stat().st_size >= len(contents)
    for option in ("--fsys-tarfile", "--ctrl-tarfile", "--field"):
        assert said(option, target) == said(option, source)
    members = [subprocess.run(["ar", "t", file], check=True, capture_output=True).stdout for file in (source, target)]
    assert members[1] == members[0].replace(b"data.tar.xz", b"data.tar")
    assert source.read_bytes() == before and before[:32] == target.read_bytes()[:32]


@pytest.mark.parametrize("how", ["gzip", "zstd", "none"])
def test_what_dpkg_reads_quickly_is_left_to_it(how: str, tmp_path: Path) -> None:
    assert decompress(archive(tmp_path, b"x" * 9000, how), tmp_path / "plain.deb", GOES_ON) == 0
    assert not (tmp_path / "plain.deb").exists()


@given(part=st.floats(0, 0.999))
@REPEATABLE
def test_an_archive_whose_end_is_missing_is_left_to_dpkg(tmp_path: Path, part: float) -> None:
    whole = archive(tmp_path, bytes(range(256)) * 400).read_bytes()
    (tmp_path / "cut.deb").write_bytes(whole[: int((len(whole) - 1) * part)])
    assert decompress(tmp_path / "cut.deb", tmp_path / "plain.deb", GOES_ON) == 0
    assert not (tmp_path / "plain.deb").exists()


def test_damaged_data_is_left_to_dpkg(tmp_path: Path) -> None:
    whole = bytearray(archive(tmp_path, bytes(range(256)) * 400).read_bytes())
    whole[len(whole) - 60] ^= 0x55
    (tmp_path / "damaged.deb").write_bytes(whole)
    assert decompress(tmp_path / "damaged.deb", tmp_path / "plain.deb", GOES_ON) == 0
    assert not (tmp_path / "plain.deb").exists()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "full", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_an_archive_that_does_not_fit_is_left_to_dpkg(tmp_path: Path, full: Path) -> None:
    assert decompress(archive(tmp_path, b"x" * 900_000), full / "plain.deb", GOES_ON) == 0
    assert not list(full.iterdir())


def test_it_ends_when_the_build_does(tmp_path: Path) -> None:
    ended = threading.Event()
    ended.set()
    assert decompress(archive(tmp_path, b"x" * 9000), tmp_path / "plain.deb", ended) == 0
    assert not (tmp_path / "plain.deb").exists()


def package(name: str, record: str) -> Resolved:
    return Resolved(name, "1", "all", 1, "0" * 64, record=f"Package: {name}\n{record}")


def test_the_base_system_comes_first_with_all_that_it_needs() -> None:
    packages = [
        package("dash", "Essential: yes\nPre-Depends: libc6 (>= 2)\n"),
        package("libc6", "Depends: libgcc | libother\n"),
        package("libgcc", "Provides: gcc-runtime\n"),
        package("mount", "Priority: required\n"),
        package("tool", "Depends: dash, libc6\n"),
    ]
    base, rest = parted(packages)
    assert [one.name for one in base] == ["dash", "libc6", "libgcc", "mount"] and [one.name for one in rest] == ["tool"]


OTHERS = {
    "another paragraph": "Version: 1\nFilename: a.deb\n\nPackage: evil\nFilename: ../../evil.deb\n",
    "a blank line that is not empty": "Version: 1\n \nPackage: evil\n",
    "a second file": "Filename: a.deb\nfilename: ../../evil.deb\n",
    "another version": "Version: 2\n",
    "another sum": f"Version: 1\nSHA256: {'1' * 64}\n",
    "another package": "package: evil\n",
}


@pytest.mark.parametrize("record", OTHERS.values(), ids=OTHERS)
def test_a_record_of_a_lock_names_no_other_package(record: str) -> None:
    with pytest.raises(BuildError, match="the record of a=1:all is not that of this package"):
        index([package("a", record)], lambda one: f"{one.name}.deb")


def test_the_file_of_a_record_is_replaced_however_it_is_written() -> None:
    text = index([package("a", f"Version: 1\nFILENAME: ../evil.deb\nSHA256: {'0' * 64}\n")], lambda one: "a.deb")
    assert "evil" not in text and "Filename: ./a.deb\n" in text
