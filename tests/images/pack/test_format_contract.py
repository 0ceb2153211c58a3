"""The contract of formats: what squashfs, erofs, cpio and tar do alike, with every compression."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from oddtree import ACL, described, odd_tree, on_a_node
from smallbuild import Recorder

from sbkernel.errors import BuildError, CommandError, DefinitionError
from sbkernel.images import manifests
from sbkernel.images.pack import formats
from sbkernel.images.pack.content import Content, content_of
from sbkernel.images.pack.format import WHOLE, Format, PackOptions
from sbkernel.images.pack.formats import format_for, format_of
from sbkernel.images.pack.packlist import PackList
from sbkernel.images.tree import directories
from sbkernel.jobs.report import NullReport

WAYS = [
    *(("squashfs", compression) for compression in ("zstd", "lz4", "xz", "gzip")),
    *(("erofs", compression) for compression in ("lz4", "lz4hc")),
    *((method, compression) for method in ("cpio", "tar") for compression in ("zstd", "gzip", "pigz", "xz")),
]
NAMES = {
    "squashfs": dict.fromkeys(("zstd", "lz4", "xz", "gzip"), "root.squashfs"),
    "erofs": dict.fromkeys(("lz4", "lz4hc"), "root.erofs"),
    "cpio": {"zstd": "root.cpio.zst", "gzip": "root.cpio.gz", "pigz": "root.cpio.gz", "xz": "root.cpio.xz"},
    "tar": {"zstd": "root.tar.zst", "gzip": "root.tar.gz", "pigz": "root.tar.gz", "xz": "root.tar.xz"},
}
EXCLUDE, INCLUDE = ["./left*", "./etc/st*"], ["./etc/st*r"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_tree(tmp_path_factory.mktemp("odd") / "rootimg")


@pytest.fixture(scope="module")
def content(tree: Path) -> Content:
    return content_of(tree, exclude=EXCLUDE, include=INCLUDE)


@pytest.fixture(params=WAYS, ids="-".join)
def packed(request: pytest.FixtureRequest) -> Format:
    return format_for(PackOptions(*request.param))


@pytest.fixture(params=["squashfs", "erofs", "cpio", "tar"])
def plain(request: pytest.FixtureRequest) -> Format:
    """A format with its default compression."""
    return format_for(PackOptions(request.param))


@pytest.fixture
def one_processor() -> Iterator[None]:
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_of_them)})
    yield
    os.sched_setaffinity(0, all_of_them)


def test_its_name_tells_the_initrd_what_it_is(packed: Format) -> None:
    asked = packed.described
    assert packed.file_name == NAMES[str(asked["method"])][str(asked["compression"])]


def test_a_node_gets_what_was_packed(packed: Format, tree: Path, content: Content, tmp_path: Path) -> None:
    file = tmp_path / packed.file_name
    packed.pack(content, file, NullReport())
    lost = ("left", "dev/socket") if packed.described["method"] == "tar" else ("left",)
    out = on_a_node(packed, file, tmp_path / "out")
    assert described(out, without=lost) == described(tree, without=lost)
    if lost != ("left",):
        assert "/dev/socket" in packed.lost(content)[0]


@pytest.mark.usefixtures("one_processor")
def test_the_same_content_gives_the_same_bytes_elsewhere(packed: Format, tree: Path, tmp_path: Path) -> None:
    """In another directory, made in another order, with other inode numbers, by one processor and by more."""
    first, second, copy = tmp_path / "first", tmp_path / "second", tmp_path / "somewhere/else"
    packed.pack(content_of(tree, exclude=EXCLUDE, include=INCLUDE), first, NullReport())
    copy.parent.mkdir()
    for part in sorted(tree.iterdir(), reverse=True):
        copy.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", "--", part, copy], check=True)
    for name, other in (("usr/bin/suid", "aaa-first"), ("etc/none", "usr/none-too"), ("etc/shadow", "left/out/shadow")):
        (copy / other).unlink()
        os.link(copy / name, copy / other)
    for path in [copy, *copy.rglob("*")]:
        os.utime(path, (1_600_000_000.75, 1_600_000_000.75), follow_symlinks=False)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    packed.pack(content_of(copy, exclude=EXCLUDE, include=INCLUDE), second, NullReport())
    assert first.read_bytes() == second.read_bytes()


def test_capabilities_are_kept_or_it_is_said(plain: Format, content: Content, tmp_path: Path) -> None:
    plain.pack(content, tmp_path / "x", NullReport())
    out = on_a_node(plain, tmp_path / "x", tmp_path / "out")
    kept = subprocess.run(["getcap", "usr/bin/ping"], cwd=out, capture_output=True, text=True, check=True).stdout
    said = [warning for warning in plain.lost(content) if "capabilities" in warning]
    if plain.described["method"] == "cpio":
        assert kept == "" and len(said) == 1 and "/usr/bin/ping" in said[0]
    else:
        assert kept == "usr/bin/ping cap_net_raw=ep\n" and said == []


def test_access_control_lists_are_kept_or_it_is_said(plain: Format, content: Content, tmp_path: Path) -> None:
    """squashfs keeps none either; its log says so, and packimage does not look for them before."""
    method, report, keeping = plain.described["method"], Recorder(), ("tar", "erofs")
    plain.pack(content, tmp_path / "x", report)
    out = on_a_node(plain, tmp_path / "x", tmp_path / "out")
    assert ("system.posix_acl_access" in os.listxattr(out / "etc/listed")) == (method in keeping)
    if method in keeping:
        assert os.getxattr(out / "etc/listed", "system.posix_acl_access") == ACL
    said = [*plain.lost(content), *report.lines]
    assert method in keeping or any("/etc/listed; tar does" in line or "posix_acl_access" in line for line in said)


def test_files_of_4_gib_are_kept_or_refused(plain: Format, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/large").open("wb") as file:
        file.truncate(0xFFFF_FFFF)
    content = content_of(tmp_path / "tree", exclude=[], include=[])
    assert not plain.lost(content)
    os.truncate(tmp_path / "tree/large", 0xFFFF_FFFF + 1)
    content = content_of(tmp_path / "tree", exclude=[], include=[])
    if plain.described["method"] == "cpio":
        with pytest.raises(BuildError, match="cpio cannot hold files of 4 GiB and more: /large\n"):
            plain.lost(content)
    else:
        assert not plain.lost(content)


def test_a_name_that_ends_a_cpio_archive_is_kept_or_refused(plain: Format, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/TRAILER!!!").touch()
    (tmp_path / "tree/z").touch()
    content = content_of(tmp_path / "tree", exclude=[], include=[])
    if plain.described["method"] == "cpio":
        with pytest.raises(BuildError, match="cpio cannot hold a file called TRAILER!!!"):
            plain.lost(content)
        return
    plain.pack(content, tmp_path / "x", NullReport())
    assert sorted(described(on_a_node(plain, tmp_path / "x", tmp_path / "out"))) == [".", "TRAILER!!!", "z"]


def test_its_files_are_listed_and_taken_out_by_pattern(packed: Format, content: Content, tmp_path: Path) -> None:
    file = tmp_path / "anything"
    packed.pack(content, file, NullReport())
    sizes = {name.lstrip("/"): size for name, size in packed.sizes(file)}
    assert sizes["usr/bin/tool"] == 9999 * 32 and sizes["etc/ blanks "] == 8
    assert "bin" not in sizes and "left/out/shadow" not in sizes
    packed.extract(file, tmp_path / "out", ["usr/bin/tool", "etc/n*", "etc/none-of-these"])
    found = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(path.name for path in found) == ["nl\nx", "none", "tool"]
    status = (tmp_path / "out/usr/bin/tool").stat()
    assert (status.st_size, status.st_mtime) == (9999 * 32, 1_600_000_000)


def test_a_file_is_known_by_what_it_is(packed: Format, content: Content, tmp_path: Path) -> None:
    packed.pack(content, tmp_path / "x", NullReport())
    found = format_of(tmp_path / "x")
    assert found and (found.described["method"], found.file_name) == (packed.described["method"], packed.file_name)


def test_a_damaged_file_is_said_to_be_so(packed: Format, content: Content, tmp_path: Path) -> None:
    file = tmp_path / "x"
    packed.pack(content, file, NullReport())
    os.truncate(file, file.stat().st_size * 6 // 10)
    with pytest.raises(BuildError, match="packed image"):
        manifests.of_packed(file)
    with pytest.raises(BuildError, match="packed image"):
        directories.of_root(file)


@pytest.mark.parametrize("text", [b"", b"text", b"\x1f\x8b broken", b"\x28\xb5\x2f\xfd"])
def test_other_files_are_none_of_them(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x").write_bytes(text)
    assert format_of(tmp_path / "x") is None
    with pytest.raises(BuildError, match="x is no packed image"):
        formats.opened(tmp_path / "x")


def test_progress_goes_up_to_the_whole(plain: Format, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(40):
        (tmp_path / f"tree/{number}").write_bytes(os.urandom(500_000))
    report = Recorder()
    plain.pack(content_of(tmp_path / "tree", exclude=[], include=[]), tmp_path / "x", report)
    done = [count for count, total in report.counts if total == WHOLE]
    assert done == sorted(done) and done[-1] >= 99
    assert len(done) > 5


def test_a_file_that_has_vanished_is_an_error(plain: Format, tree: Path, tmp_path: Path) -> None:
    if not plain.unpacked:
        return  # it reads the tree by itself, and packs what is there
    content = Content(tree, PackList((), (".", "./etc", "./etc/vanished")))
    with pytest.raises(CommandError, match=r"(?s)failed with exit status 2.*etc/vanished.*No such file"):
        plain.pack(content, tmp_path / "x", NullReport())


def test_a_full_disk_is_an_error(packed: Format, content: Content, tmp_path: Path) -> None:
    if packed.unpacked:
        target = Path("/dev/full")
    else:
        target = tmp_path / "small" / packed.file_name
        target.parent.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", target.parent], check=True)
    try:
        with pytest.raises((CommandError, BuildError), match=r"No space left|full"):
            packed.pack(content, target, NullReport())
    finally:
        if target.parent.is_mount() and not packed.unpacked:
            subprocess.run(["umount", target.parent], check=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PackOptions("zip"), "Invalid archive method 'zip' requested\n  one of squashfs erofs cpio tar"),
        (PackOptions("cpio", "lz4"), "Invalid compress method 'lz4' requested\n  one of zstd gzip pigz xz"),
        (PackOptions("tar", "bzip2"), "Invalid compress method 'bzip2' requested\n  one of zstd gzip pigz xz"),
        (PackOptions("squashfs", "pigz"), "Invalid compress method 'pigz' requested\n  one of zstd lz4 xz gzip"),
        (PackOptions("cpio", "zstd", 20), "level 20 of zstd is not in 1-19"),
        (PackOptions("tar", "xz", 0), "level 0 of xz is not in 1-9"),
        (PackOptions("cpio", block_size="1M"), "cpio has no blocks"),
        (PackOptions("squashfs", block_size="big"), "'big' is not a block size of squashfs"),
        (PackOptions("squashfs", block_size="5K"), "'5K' is not a block size of squashfs"),
        (PackOptions("erofs", "zstd"), "Invalid compress method 'zstd' requested\n  one of lz4 lz4hc"),
        (PackOptions("erofs", level=3), "lz4 has no levels"),
        (PackOptions("erofs", "lz4hc", 13), "level 13 of lz4hc is not in 1-12"),
        (PackOptions("erofs", block_size="2M"), "'2M' is not a block size of erofs"),
        (PackOptions("squashfs", block_size="2M"), "'2M' is not a block size of squashfs"),
    ],
)
def test_what_a_format_does_not_have_is_refused(options: PackOptions, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        format_for(options)
    assert str(caught.value).startswith(message)


def test_erofs_leaves_out_many_names_or_says_that_they_are_too_many(tmp_path: Path) -> None:
    """Linux takes 2 MB of words of ordinary programs, and 6 MB at most."""
    (tmp_path / "tree").mkdir()
    for number in range(9000):
        (tmp_path / f"tree/{number:0200}").touch()
    (tmp_path / "tree/stays").touch()
    content = content_of(tmp_path / "tree", exclude=["./0*"], include=[])
    packed = format_for(PackOptions("erofs"))
    assert packed.lost(content) == ()
    packed.pack(content, tmp_path / "x", NullReport())
    assert list(packed.sizes(tmp_path / "x")) == [("stays", 0)]
    many = Content(tmp_path / "tree", PackList([f"{number:0200}" for number in range(30000)], (".",)))
    with pytest.raises(BuildError, match=r"mkfs\.erofs cannot leave out 30000 paths one by one"):
        packed.lost(many)


def test_an_image_of_the_default_has_the_identity_that_it_always_had() -> None:
    expected = {"method": "squashfs", "compression": "zstd", "level": 3, "block_size": "128K"}
    assert format_for(PackOptions()).described == expected
