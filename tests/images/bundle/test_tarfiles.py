"""The tar reader reads what tar programs write, and what is written is the same every time and read by them."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.bundle import manifestxml
from sbkernel.images.bundle.tarfiles import END, Tar, directory, header, padding

part = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda text: text not in (".", "..")
)
NAMES = st.lists(part, min_size=1, max_size=5).map("/".join)
FILES = st.dictionaries(NAMES, st.binary(max_size=2000), max_size=6)
FORMATS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def read(data: bytes) -> dict[str, bytes]:
    tar = Tar("it", io.BytesIO(data))
    return {member.name: b"".join(tar.chunks()) for member in tar if member.kind == "file"}


@given(FILES, FORMATS)
def test_what_others_write_is_read(files: dict[str, bytes], kind: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert read(out.getvalue()) == files


@given(FILES)
def test_what_is_written_is_read_by_others(files: dict[str, bytes]) -> None:
    members = (header(name, len(content)) + content + padding(len(content)) for name, content in files.items())
    data = directory("d") + b"".join(members) + END
    assert read(data) == files
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert {member.name for member in tar if member.isfile()} == set(files)
        assert {(member.uid, member.gid, member.mtime) for member in tar} == {(0, 0, 0)}


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(data + END)
    except BuildError as error:
        assert "it: " in str(error)


@pytest.mark.parametrize("size", [1 << 50, (1 << 63) - 1, 1 << 64, 1 << 80])
def test_a_size_that_no_file_has(size: int, tmp_path: Path) -> None:
    (tmp_path / "huge.tar").write_bytes(header("huge", size) + END)
    with (tmp_path / "huge.tar").open("rb") as stream, pytest.raises(BuildError, match=r"truncated|cannot be"):
        list(Tar("huge.tar", stream))


def test_a_size_of_more_digits_than_are_read() -> None:
    record = b"size=" + b"9" * 5000 + b"\n"
    record = b"%d " % (len(record) + 5) + record
    data = header("pax", len(record), kind=tarfile.XHDTYPE) + record + padding(len(record))
    assert read(data + header("a", 1) + b"x" + padding(1) + END) == {"a": b"x"}


def test_headers_without_end() -> None:
    one = header("././@LongLink", 1 << 20, kind=tarfile.GNUTYPE_LONGNAME) + b"a" * (1 << 20)
    with pytest.raises(BuildError, match="a name of"):
        read(one * 8 + header("a", 0) + END)


@pytest.mark.parametrize("options", [["--format=ustar"], ["--format=gnu"], ["--format=posix"], ["--format=v7"]])
def test_tar_1(options: list[str], tmp_path: Path) -> None:
    """Read what GNU tar makes of long names, links and directories (tar(1))."""
    name = "x" * 60 if options != ["--format=v7"] else "x"
    (tmp_path / "tree" / name / "y").mkdir(parents=True)
    (tmp_path / "tree" / name / "y/file").write_text("text")
    (tmp_path / "tree" / name / "link").symlink_to("../" * 5 + "etc/passwd")
    made = subprocess.run(["tar", *options, "-C", tmp_path / "tree", "-cf", "-", "."], check=True, capture_output=True)
    found = {member.name: (member.kind, member.target) for member in Tar("it", io.BytesIO(made.stdout))}
    assert found[f"{name}/y/file"] == ("file", "")
    assert found[f"{name}/link"] == ("symbolic link", "../../../../../etc/passwd")
    assert found[""][0] == "directory"


@pytest.mark.parametrize(
    "record", [b"999 path=x\n", b"0 path=x\n", b"x\n", b"5 a=b\n" * 3 + b"9", b"30 GNU.sparse.major=1\n"]
)
def test_pax_records_that_lie(record: bytes) -> None:
    data = header("pax", len(record), kind=tarfile.XHDTYPE) + record + padding(len(record)) + header("x", 0) + END
    with pytest.raises(BuildError):
        list(Tar("it", io.BytesIO(data)))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 40)
    argv = ["tar", "-C", tmp_path, "--sparse", "-cf", "-", "holes"]
    made = subprocess.run(argv, check=True, capture_output=True).stdout
    with pytest.raises(BuildError, match="a kind that no such archive has"):
        list(Tar("it", io.BytesIO(made)))


text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1).map(str.strip)
COLUMNS = st.dictionaries(st.sampled_from(["pkglist", "addkcmdline", "exlist", "pkgdir"]), text.filter(bool))


@given(COLUMNS, st.lists(st.tuples(text.filter(bool), text.filter(bool)), max_size=3))
def test_manifest_xml_holds_any_text(columns: dict[str, str], extra: list[tuple[str, str]]) -> None:
    osimage = dict.fromkeys(manifestxml.REQUIRED, "x") | {"provmethod": "netboot"}
    parts = {name: f"/install/{name}" for name in manifestxml.PARTS}
    said = manifestxml.Manifest({"osimage": osimage, "linuximage": columns}, parts, extra)
    found = manifestxml.parse(said.text().encode(), "it")
    assert (found.columns, found.parts, found.extra) == (said.columns, parts, extra)
