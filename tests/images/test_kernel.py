"""The kernel that an image boots: the newest of the tree, or the one that was asked for."""

from pathlib import Path

import pytest

from sbkernel.errors import BuildError
from sbkernel.images.tree.kernel import choose_kernel, kernel_file, kernels


@pytest.mark.parametrize(
    "ordered",
    [
        ["6.1.0-9-amd64", "6.1.0-42-amd64", "6.10.0-1-amd64"],
        ["5.14.0-70.el9.x86_64", "5.14.0-427.13.1.el9_4.x86_64"],
        ["6.4.0-150600.21-default", "6.4.0-150600.23-default"],
    ],
)
def test_the_newest_is_last(tmp_path: Path, ordered: list[str]) -> None:
    (tmp_path / "boot").mkdir()
    for release in reversed(ordered):
        (tmp_path / "boot" / f"vmlinuz-{release}").touch()
    assert kernels(tmp_path) == ordered
    assert choose_kernel(tmp_path) == ordered[-1]
    assert choose_kernel(tmp_path, ordered[0]) == ordered[0]


def test_a_kernel_that_is_missing_is_named_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    with pytest.raises(BuildError, match="no kernel in the image"):
        choose_kernel(tmp_path)
    (tmp_path / "boot" / "vmlinuz-6.1.0-9-amd64").touch()
    with pytest.raises(BuildError, match=r"6\.1\.0-10-amd64 is not in the image; it has 6\.1\.0-9-amd64"):
        choose_kernel(tmp_path, "6.1.0-10-amd64")


def test_a_kernel_lies_in_boot_or_beside_its_modules(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    outside.touch()
    for version in ("1.0-el", "2.0-both", "3.0-none"):
        (tree / "usr/lib/modules" / version).mkdir(parents=True)
    (tree / "usr/lib/modules/1.0-el/vmlinuz").touch()
    (tree / "usr/lib/modules/2.0-both/vmlinuz").touch()
    (tree / "lib").symlink_to("usr/lib")
    (tree / "boot").mkdir()
    (tree / "boot/vmlinuz-2.0-both").touch()
    (tree / "boot/vmlinuz-0-rescue-0123456789abcdef").touch()
    (tree / "boot/vmlinuz-9.9-linked").symlink_to(outside)
    assert kernels(tree) == ["1.0-el", "2.0-both"]
    assert kernel_file(tree, "1.0-el") == tree / "usr/lib/modules/1.0-el/vmlinuz"
    assert kernel_file(tree, "2.0-both") == tree / "boot/vmlinuz-2.0-both"


def test_no_kernel_is_taken_from_outside_the_tree(tmp_path: Path) -> None:
    host, tree = tmp_path / "host", tmp_path / "tree"
    for name in ("boot/vmlinuz-9.9-host", "lib/modules/9.8-host/vmlinuz"):
        (host / name).parent.mkdir(parents=True)
        (host / name).touch()
    (tree / "usr/lib/modules/1.0-el").mkdir(parents=True)
    (tree / "usr/lib/modules/1.0-el/vmlinuz").touch()
    (tree / "usr/lib/modules/9.7-linked").symlink_to(host / "lib/modules/9.8-host")
    (tree / "boot").symlink_to(host / "boot")
    (tree / "lib").symlink_to(host / "lib")
    assert kernels(tree) == ["1.0-el"]
    (tree / "lib").unlink()
    (tree / "lib").symlink_to("/usr/lib")
    assert kernels(tree) == ["1.0-el"], "the tree's own /usr/lib"
