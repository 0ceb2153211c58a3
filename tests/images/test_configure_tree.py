"""Files are laid into a tree without a program of it, and never outside."""

from pathlib import Path

import pytest

from sbkernel.errors import CommandError
from sbkernel.images.tree.configure import archive, lay
from sbkernel.jobs.report import NullReport

DATE = 1_700_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    for name in ("proc", "sys", "dev", "run", "tmp", "usr/lib", "etc"):
        (place / name).mkdir(parents=True)
    (place / "lib").symlink_to("usr/lib")
    return place


def laid(tree: Path, **files: bytes) -> None:
    lay(tree, archive({name.replace("__", "/"): data for name, data in files.items()}, DATE), NullReport())


def test_an_image_needs_no_program_for_it(tree: Path) -> None:
    laid(tree, etc__new__fstab=b"1\n", lib__deep__file=b"2\n")
    assert (tree / "etc/new/fstab").read_bytes() == b"1\n"
    assert (tree / "usr/lib/deep/file").read_bytes() == b"2\n"
    assert (tree / "lib").is_symlink()
    assert (tree / "etc/new/fstab").stat().st_mode & 0o777 == 0o644
    assert (tree / "etc/new/fstab").stat().st_mtime == DATE


def test_no_link_leads_out(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine\n")
    (tree / "etc/file").symlink_to(outside / "file")
    (tree / "etc/there").symlink_to(outside)
    laid(tree, etc__file=b"laid\n")
    assert (outside / "file").read_text() == "mine\n"
    assert (tree / "etc/file").read_text() == "laid\n" and not (tree / "etc/file").is_symlink()
    with pytest.raises(CommandError):
        laid(tree, etc__there__file=b"laid\n")
    assert list(outside.iterdir()) == [outside / "file"]
    assert (outside / "file").read_text() == "mine\n"


def test_what_cannot_be_laid_is_an_error(tree: Path) -> None:
    (tree / "etc/file").mkdir()
    with pytest.raises(CommandError, match="etc/file"):
        laid(tree, etc__file=b"laid\n")
