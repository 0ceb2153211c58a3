"""Files are laid into a tree without a program of it, and never outside."""

import shutil
from pathlib import Path

import pytest

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.tree.configure import Configuration, configure, lay
from sbkernel.images.tree.namespaces import inside
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
    lay(tree, {name.replace("__", "/"): data for name, data in files.items()}, DATE, NullReport())


def test_an_image_needs_no_program_for_it(tree: Path) -> None:
    laid(tree, etc__new__fstab=b"1\n", lib__deep__file=b"2\n")
    assert (tree / "etc/new/fstab").read_bytes() == b"1\n"
    assert (tree / "usr/lib/deep/file").read_bytes() == b"2\n"
    assert (tree / "lib").is_symlink()
    assert (tree / "etc/new/fstab").stat().st_mode & 0o777 == 0o644
    assert (tree / "etc/new/fstab").stat().st_mtime == DATE


@pytest.mark.parametrize(("programs", "says"), [((), "sh"), (("sh",), "nosuchtool")])
def test_an_image_without_a_shell_or_a_tool_is_said_to_have_too_few_packages(
    tree: Path, programs: tuple[str, ...], says: str
) -> None:
    (tree / "bin").mkdir()
    for name in programs:
        shutil.copyfile("/bin/busybox", tree / "bin" / name)
        (tree / "bin" / name).chmod(0o755)
    wanted = Configuration({"etc/new": b""}, {}, b"set -eu\nnosuchtool -x\n")
    with pytest.raises(BuildError, match=f"too few packages to be configured: .*{says}") as caught:
        configure(tree, wanted, DATE, NullReport())
    assert "pkglist" in str(caught.value.hint)


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


def test_proc_leads_nowhere(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine\n")
    (tree / "bin").mkdir()
    shutil.copy("/bin/busybox", tree / "bin")
    with pytest.raises(CommandError):
        inside(tree, ["/bin/busybox", "cat", f"/proc/1/root{outside}/file"])
    (tree / "etc").rmdir()
    (tree / "etc").symlink_to(f"/proc/1/root{outside}")
    with pytest.raises(CommandError):
        laid(tree, etc__laid=b"laid\n")
    assert list(outside.iterdir()) == [outside / "file"]


def test_what_cannot_be_laid_is_an_error(tree: Path) -> None:
    (tree / "etc/file").mkdir()
    with pytest.raises(CommandError, match="etc/file"):
        laid(tree, etc__file=b"laid\n")
