"""Our squashfs as the kernel and unsquashfs read it, and what is taken from the last root."""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oddtree import ACL
from seenstack import described, seen
from smallbuild import Recorder
from treechanges import Changing

from sbkernel.errors import BuildError
from sbkernel.images.pack import listing
from sbkernel.images.pack.content import Content, content_of
from sbkernel.images.pack.format import WHOLE, PackOptions
from sbkernel.images.pack.memory import Memory
from sbkernel.images.pack.squashfs import compressors, data, stored, writer
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.images.pack.squashfs.units import Fragment, Piece, Stretch, batches, units
from sbkernel.jobs.report import NullReport

BLOCK = 4096
LATER_NS = 1 << 62


def piece(content: bytes) -> Piece:
    return Piece(hashlib.sha256(content).hexdigest(), "./x", len(content), "")


def remembering(tree: Path, place: Path, last: Path | None) -> Content:
    memory = Memory(place / "sums", place / "units", LATER_NS, last)
    return replace(content_of(tree, exclude=[], include=[]), memory=memory)


def pack(content: Content, target: Path, **options: str) -> bytes:
    Squashfs(PackOptions("squashfs", **options)).pack(content, target, NullReport())
    return target.read_bytes()


def mounted(root: Path, script: str, given: str = "") -> str:
    """Return what a script says in the root as the kernel mounts it."""
    words = f'mount -t squashfs -o loop,ro "$1" /mnt && cd /mnt && {script}'
    argv = ["unshare", "--mount", "sh", "-ec", words, "sh", str(root)]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the units that are taken from a last root, and not compressed."""
    found: list[str] = []
    take = stored.LastRoot.take

    def noted(last: stored.LastRoot, unit: str) -> object:
        got = take(last, unit)
        if got is not None:
            found.append(unit)
        return got

    monkeypatch.setattr(stored.LastRoot, "take", noted)
    yield found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Small files, and two of many blocks, one of them with a hole."""
    made = tmp_path / "tree"
    made.mkdir()
    content = random.Random(7)
    for number in range(200):
        (made / f"small{number:03}").write_bytes(content.randbytes(content.randrange(1, 40_000)) + b"text" * 100)
    (made / "large").write_bytes(content.randbytes(3_000_000))
    with (made / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(900_000)
        file.write(b"end")
    return made


@pytest.mark.parametrize("block_size", ["4K", "128K", "1M"])
@pytest.mark.parametrize("compression", ["zstd", "lz4", "xz", "gzip"])
def test_the_kernel_reads_what_was_packed(tree: Path, tmp_path: Path, compression: str, block_size: str) -> None:
    content = content_of(tree, exclude=[], include=[])
    pack(content, tmp_path / "root", compression=compression, block_size=block_size)
    assert seen(tmp_path / "seen", [tmp_path / "root"]) == described(tree, content.listed.kept)


def test_names_are_found_in_directories_of_thousands(tmp_path: Path) -> None:
    """Directories of more than 8 KiB of names have an index, which the kernel searches."""
    names = [f"{hashlib.sha256(str(number).encode()).hexdigest()}{'x' * (number % 150)}" for number in range(20_000)]
    (tmp_path / "tree/many").mkdir(parents=True)
    for name in names:
        (tmp_path / "tree/many" / name).touch()
    (tmp_path / "tree/many/above").mkdir()
    (tmp_path / "tree/many/above/file").write_text("x")
    pack(content_of(tmp_path / "tree", exclude=[], include=[]), tmp_path / "root")
    search = "cd many && ls -f | wc -l && xargs stat -c %s | sort | uniq -c && cat above/file"
    said = mounted(tmp_path / "root", search, given="\n".join(names)).split()
    assert said == ["20003", "20000", "0", "x"]


def test_more_inodes_than_a_directory_header_can_count_over(tmp_path: Path) -> None:
    """Two names of one directory whose inodes are more than 32767 apart."""
    (tmp_path / "tree/a/b").mkdir(parents=True)
    for number in range(35_000):
        (tmp_path / f"tree/a/b/{number}").touch()
    (tmp_path / "tree/a/z").write_text("z")
    (tmp_path / "tree/zz").write_text("zz")
    pack(content_of(tmp_path / "tree", exclude=[], include=[]), tmp_path / "root")
    assert mounted(tmp_path / "root", "cat a/z zz && ls -f a/b | wc -l && ls -f a . | sort | xargs") == (
        "zzz35002\n. . .. .. .: a a: b z zz\n"
    )


def test_a_hole_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/hole").open("wb") as file:
        file.truncate(64 << 20)
    assert len(pack(content_of(tmp_path / "tree", exclude=[], include=[]), tmp_path / "root")) < 16 << 10
    listed = subprocess.run(
        ["unsquashfs", "-lln", tmp_path / "root"], capture_output=True, text=True, check=True
    ).stdout
    assert str(64 << 20) in listed


@pytest.mark.parametrize("seed", range(6))
def test_with_a_last_root_the_bytes_are_the_same_as_without(tmp_path: Path, seed: int) -> None:
    """Whatever was changed in between: what is taken from there is what would be compressed."""
    changing = Changing(tmp_path / "tree", seed)
    (tmp_path / "memory").mkdir()
    last = None
    for number in range(6):
        for _ in range(changing.random.choice([1, 4])):
            changing.step()
        extra = changing.tree / f"random{changing.random.randrange(3)}"
        if not extra.is_symlink() and not extra.is_dir():
            extra.unlink(missing_ok=True)
            extra.write_bytes(changing.random.randbytes(changing.random.randrange(600_000)))
        again = pack(remembering(changing.tree, tmp_path / "memory", last), tmp_path / f"{number}")
        assert again == pack(content_of(changing.tree, exclude=[], include=[]), tmp_path / "anew"), f"seed {seed}"
        last = tmp_path / f"{number}"


def test_only_what_is_new_is_compressed(tree: Path, tmp_path: Path, taken: list[str]) -> None:
    pack(remembering(tree, tmp_path, None), tmp_path / "first")
    whole = len(stored.read(tmp_path / "units", _way()))
    assert not taken and whole > 30
    (tree / "small030").unlink()
    (tree / "small031x").write_bytes(b"new" * 1000)
    pack(remembering(tree, tmp_path, tmp_path / "first"), tmp_path / "second")
    assert whole - 8 <= len(taken) < whole


def _way() -> str:
    return " ".join(["zstd", "3", "131072", *compressors.compressor("zstd", 3, 131072).library])


def test_a_last_root_that_is_damaged_gone_or_another_is_no_harm(tree: Path, tmp_path: Path, taken: list[str]) -> None:
    first = pack(remembering(tree, tmp_path, None), tmp_path / "first")
    (tmp_path / "damaged").write_bytes(b"\0" * (len(first) // 2) + first[len(first) // 2 :])
    (tmp_path / "empty").touch()
    for name in ("damaged", "empty", "gone"):
        assert pack(remembering(tree, tmp_path, tmp_path / name), tmp_path / "again") == first, name
    assert 0 < len(taken) < len(stored.read(tmp_path / "units", _way()))


@pytest.mark.parametrize("options", [{"compression": "lz4"}, {"block_size": "64K"}])
def test_what_was_packed_in_another_way_is_not_taken(
    tree: Path, tmp_path: Path, taken: list[str], options: dict[str, str]
) -> None:
    pack(remembering(tree, tmp_path, None), tmp_path / "first")
    again = pack(remembering(tree, tmp_path, tmp_path / "first"), tmp_path / "second", **options)
    assert not taken
    assert again == pack(content_of(tree, exclude=[], include=[]), tmp_path / "anew", **options)


def test_what_another_release_of_the_library_has_compressed_is_not_taken(
    tree: Path, tmp_path: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(remembering(tree, tmp_path, None), tmp_path / "first")
    monkeypatch.setattr(compressors.zstandard, "ZSTD_VERSION", (1, 9, 9))
    pack(remembering(tree, tmp_path, tmp_path / "first"), tmp_path / "second")
    assert not taken


def test_nothing_is_remembered_of_a_tree_that_was_changed_while_it_was_packed(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = data.DataWriter._read

    def late(writer: data.DataWriter, one: Piece, start: int, count: int) -> bytes:
        if one.path == "./large" and start == 0:
            with (tree / "large").open("r+b") as file:
                file.write(b"other")
        return read(writer, one, start, count)

    monkeypatch.setattr(data.DataWriter, "_read", late)
    pack(remembering(tree, tmp_path, None), tmp_path / "first")
    assert stored.read(tmp_path / "units", _way()) == {}


def test_a_file_that_becomes_shorter_is_an_error(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = data.DataWriter._read

    def late(writer: data.DataWriter, one: Piece, start: int, count: int) -> bytes:
        os.truncate(tree / "large", 5)
        return read(writer, one, start, count)

    monkeypatch.setattr(data.DataWriter, "_read", late)
    with pytest.raises(BuildError, match=r"\./large was cut while it was packed"):
        pack(remembering(tree, tmp_path, None), tmp_path / "first")


def test_a_small_file_that_becomes_shorter_is_an_error(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = listing.examine

    def late(*words: Any) -> listing.Examined:
        examined = examine(*words)
        os.truncate(tree / "small007", 5)
        return examined

    monkeypatch.setattr(listing, "examine", late)
    with pytest.raises(BuildError, match=r"\./small007 was cut while it was packed"):
        pack(remembering(tree, tmp_path, None), tmp_path / "first")


def test_a_small_file_is_opened_once_and_not_at_all_when_it_is_in_the_last_root(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    open_ = os.open

    def noted(path: Any, *words: Any, **more: Any) -> int:
        opened.append(str(path))
        return open_(path, *words, **more)

    monkeypatch.setattr(os, "open", noted)
    pack(remembering(tree, tmp_path, None), tmp_path / "first")
    small = sorted(path for path in opened if "/small" in path)
    assert [Path(path).name for path in small] == sorted(file.name for file in tree.glob("small*"))
    opened.clear()
    pack(remembering(tree, tmp_path, tmp_path / "first"), tmp_path / "second")
    assert not [path for path in opened if path.startswith(str(tree))]


def test_progress_is_whole_at_the_end_also_with_contents_that_are_there_twice(tree: Path, tmp_path: Path) -> None:
    (tree / "again").write_bytes((tree / "large").read_bytes())
    os.link(tree / "large", tree / "linked")
    report = Recorder()
    Squashfs().pack(content_of(tree, exclude=[], include=[]), tmp_path / "root", report)
    assert len(report.counts) > 3 and report.counts == sorted(set(report.counts))
    assert report.counts[-1] == (WHOLE, WHOLE) and all(done <= WHOLE for done, _ in report.counts)


def test_the_disk_is_asked_to_write_the_root_while_it_grows(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part once, in order: what it was asked to write is not waited for when the root is published."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, start, count, _advice: asked.append((start, count)))
    monkeypatch.setattr(writer, "_MUCH", 1 << 20)
    whole = len(pack(content_of(tree, exclude=[], include=[]), tmp_path / "root"))
    ends = [start + count for start, count in asked]
    assert [start for start, _ in asked] == [0, *ends[:-1]] and whole - ends[-1] < 2 << 20


def test_attributes_that_squashfs_cannot_hold_are_named(tree: Path, tmp_path: Path) -> None:
    os.setxattr(tree / "small000", "user.kept", b"value")
    os.setxattr(tree / "small000", "system.posix_acl_access", ACL)
    report = Recorder()
    content = content_of(tree, exclude=[], include=[])
    Squashfs().pack(content, tmp_path / "root", report)
    assert [line for line in report.lines if "posix_acl" in line] == [
        "'./small000': squashfs does not keep system.posix_acl_access"
    ]
    read = "import os; print(os.getxattr('small000', 'user.kept').decode())"
    assert mounted(tmp_path / "root", f'{sys.executable} -c "{read}"') == "value\n"


pieces_ = st.lists(st.binary(min_size=1, max_size=3 * BLOCK), max_size=60, unique=True).map(
    lambda every: [piece(one) for one in every]
)


@given(pieces_)
def test_units_hold_every_content_once_in_order_and_fit_a_block(pieces: list[Piece]) -> None:
    found = list(units(pieces, BLOCK))
    fragments = [unit for unit in found if isinstance(unit, Fragment)]
    assert [one for unit in fragments for one in unit.pieces] == [one for one in pieces if one.size < BLOCK]
    assert all(unit.size <= BLOCK for unit in fragments)
    large = [one for one in pieces if one.size >= BLOCK]
    assert [unit for unit in found if isinstance(unit, Stretch)] == [Stretch(one, 0, one.size) for one in large]


@given(pieces_)
def test_batches_hold_every_unit_in_order(pieces: list[Piece]) -> None:
    found = list(units([piece._replace(size=piece.size * 50) for piece in pieces], BLOCK))
    rows = list(batches(found))
    assert [unit for row in rows for unit in row] == found
    assert all(sum(unit.size for unit in row) >= 1 << 20 for row in rows[:-1])
    assert all(sum(unit.size for unit in row[:-1]) < 1 << 20 for row in rows)


def test_a_large_file_is_many_units_so_that_no_file_has_to_fit_into_memory() -> None:
    large = Piece("0" * 64, "./large", (5 << 30) + 1, "")
    found = [unit for unit in units([large], 128 << 10) if isinstance(unit, Stretch)]
    assert max(unit.size for unit in found) == 1 << 20 and sum(unit.size for unit in found) == large.size
    assert len({unit.digest for unit in found}) == len(found) and [unit.is_last for unit in found][-2:] == [False, True]


def test_units_far_from_a_change_stay_as_they_are() -> None:
    """Of hundreds of units, a file more or less changes few: else an added package would compress all anew."""
    content = random.Random(3)
    pieces = [piece(content.randbytes(content.randrange(1, 1500))) for _ in range(3000)]
    before = {unit.digest for unit in units(pieces, 16 << 10)}
    changed = []
    for number in range(0, 3000, 100):
        added = [*pieces[:number], piece(content.randbytes(700)), *pieces[number:]]
        removed = [*pieces[:number], *pieces[number + 1 :]]
        changed += [len(before - {unit.digest for unit in units(these, 16 << 10)}) for these in (added, removed)]
    assert len(before) > 150 and sum(changed) / len(changed) < 6, changed


def test_a_unit_is_told_by_all_that_it_holds() -> None:
    one, other = piece(b"one"), piece(b"other")
    digests = {Fragment(these).digest for these in ((one,), (other,), (one, other), (other, one))}
    assert len(digests) == 4 and one.sha256 not in digests
