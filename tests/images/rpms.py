"""Trees and repositories of real rpm packages, made by the tests."""

import subprocess
from pathlib import Path

from sbkernel.bench.rpms.package import DATE, make_rpm

__all__ = ["DATE", "install", "make_repository", "make_rpm"]


def install(tree: Path, *packages: Path, database: str = "/var/lib/rpm") -> Path:
    """Install packages into a tree beside what is there, as kernels are."""
    tree.mkdir(exist_ok=True)
    subprocess.run(
        ["rpm", "--root", tree, "--dbpath", database, "--install", "--nodeps",
         "--force", "--ignorearch", *packages],
        check=True, capture_output=True,
    )  # fmt: skip
    return tree


def make_repository(directory: Path, *options: str | Path) -> None:
    """Make the packages of a directory a repository of dnf."""
    subprocess.run(["createrepo_c", "--quiet", *options, directory], check=True)
