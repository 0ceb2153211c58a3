"""Files by digest: whole, closed to others, kept once, and refused when damaged."""

import hashlib
import io
import stat
from pathlib import Path

import pytest

from sbkernel.errors import JobError, NotFoundError
from sbkernel.jobs.blobs import Blobs

BASH = hashlib.sha256(b"bash\n").hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "below" / "blobs")


def names(blobs: Blobs) -> list[str]:
    return [file.name for file in blobs.directory.iterdir()]


def test_a_file_is_kept_by_its_digest_closed_to_others(blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("bash\n")
    assert blobs.put(tmp_path / "list") == blobs.put(b"bash\n") == BASH
    kept = blobs.path(BASH)
    assert kept.read_bytes() == b"bash\n" and names(blobs) == [BASH]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400
    assert stat.S_IMODE(blobs.directory.stat().st_mode) == 0o700


def test_what_is_there_is_not_written_again(blobs: Blobs) -> None:
    before = blobs.path(blobs.put(b"bash\n")).stat()
    blobs.put(b"bash\n")
    assert blobs.path(BASH).stat().st_ino == before.st_ino


def test_a_damaged_file_is_refused_counts_as_missing_and_is_mended_by_putting_it_again(blobs: Blobs) -> None:
    kept = blobs.path(blobs.put(b"bash\n"))
    other = blobs.put(b"vim\n")
    assert blobs.missing([BASH, other]) == []
    kept.chmod(0o600)
    kept.write_bytes(b"bush\n")
    with pytest.raises(JobError, match="is damaged"):
        blobs.path(BASH)
    assert blobs.missing([BASH, other]) == [BASH]
    assert blobs.put(b"bash\n") == BASH
    assert blobs.path(BASH).read_bytes() == b"bash\n"


def test_what_comes_damaged_leaves_nothing(blobs: Blobs) -> None:
    with pytest.raises(JobError, match="damaged"):
        blobs.receive(io.BytesIO(b"bush\n"), BASH)
    assert names(blobs) == []


def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(2)

    with pytest.raises(ConnectionResetError):
        blobs.receive(Broken(b"bash\n"), BASH)
    assert names(blobs) == []


def test_what_is_not_there_is_missing(blobs: Blobs) -> None:
    assert blobs.missing([BASH]) == [BASH]
    with pytest.raises(NotFoundError, match=BASH):
        blobs.path(BASH)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", BASH.upper(), BASH + "\n", BASH[:12]])
def test_no_path_is_made_of_what_is_no_digest(blobs: Blobs, digest: str) -> None:
    for ask in (blobs.path, lambda one: blobs.missing([one]), lambda one: blobs.receive(io.BytesIO(), one)):
        with pytest.raises(JobError, match="no sha256"):
            ask(digest)
