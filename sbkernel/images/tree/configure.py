"""What makes a tree of packages a stateless node's root: the files laid into it and the script run in it."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel import resources
from sbkernel.images.families.package_manager import PackageManager
from sbkernel.images.tree.namespaces import enter, inside
from sbkernel.jobs.report import Report

VERSION = 2


@dataclass(frozen=True)
class Configuration:
    """Files to lay into a tree, by path in it, more of them for where they are missing, and a script to run inside."""

    files: Mapping[str, bytes]
    if_missing: Mapping[str, bytes]
    script: bytes


def configuration(manager: PackageManager, fstab: str) -> Configuration:
    """Return what configures a tree: ours, its package manager's, and its fstab."""
    image = resources.templates() / "image"
    return Configuration(
        {**below(image / "root"), "etc/fstab": fstab.encode(), **manager.laid()},
        manager.laid_if_missing(),
        (image / "configure.sh").read_bytes() + manager.configure_script(),
    )


def configure(tree: Path, wanted: Configuration, epoch: int, report: Report) -> None:
    """Lay the files into a tree, dated `epoch`, and run the script in it."""
    missing = {name: data for name, data in wanted.if_missing.items() if not (tree / name).is_file()}
    lay(tree, archive({**wanted.files, **missing}, epoch), report)
    inside(tree, ["sh", "-s"], input=wanted.script, on_line=report.log)


def lay(tree: Path, packed: bytes, report: Report) -> None:
    """Write the files of a tar archive into a tree, which need not hold a program for it; no link leads out."""
    script = resources.templates() / "image" / "lay.py"
    enter(tree, [sys.executable, "-I", str(script), str(tree)], input=packed, on_line=report.log)


def archive(contents: Mapping[str, bytes], epoch: int) -> bytes:
    """Return files as a tar archive owned by root and dated `epoch`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o644, epoch
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def below(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory by relative path."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}
