"""Install exactly the resolved packages into a new tree: rpm by way of dnf's library, in a private namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made, write_whole
from sbkernel.images.families.downloads import Downloads, differences
from sbkernel.images.families.package_manager import Resolution, Resolved
from sbkernel.images.families.rpm import records
from sbkernel.images.families.rpm.canonical import make_canonical
from sbkernel.images.families.rpm.database import macros
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import enter, remove_tree, scripts_environment
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 2
_INSTALLING = re.compile(r"Installing (\S+) \((\d+)/(\d+)\)")
# rpm would change the modes of what is mounted there while packages are installed.
_MOUNTS = {"proc": 0o555, "sys": 0o555, "dev": 0o755, "run": 0o755, "tmp": 0o1777}
_BOOT_LOADER = "etc/kernel/install.d"
LAID_OUT = {
    **dict.fromkeys(("", "var", "etc", "etc/kernel", _BOOT_LOADER), 0o755),
    **_MOUNTS,
    "var/tmp": 0o1777,
}
"""What is there before any package: modes do not depend on who builds."""
# What kernel-install(8) would do for the host's way to boot: build an initrd for minutes, copy this host's command
# line. The first in etc/ counts, and one that leads nowhere is none.
_NOT_RUN = ("20-grub", "50-dracut", "51-dracut-rescue", "90-loaderentry", "92-crashkernel", "99-grub-mkconfig")


def install(
    resolution: Resolution,
    downloads: Downloads,
    release: RpmRelease,
    passes: Sequence[Mapping[str, str]],
    tree: Path,
    report: Report,
) -> dict[str, Any]:
    """Fill `tree` with the fetched packages; return `epoch` and what is in it, to be recorded with it.

    `passes` are the environments of those in which the packages come.
    """
    packages, kept = resolution.packages, resolution.kept
    epoch = records.newest(packages)
    scratch = made(tree.with_name("scratch"))
    try:
        _lay_out(tree)
        write_whole(scratch / ".rpmmacros", macros(release))
        asked = {
            "root": str(tree),
            "scratch": str(scratch),
            "arch": release.architecture,
            "release": release.version,
            "packages": [{"file": str(downloads.path(one)), "pass": records.pass_of(one)} for one in packages],
            "passes": passes,
            "removed": [one.name for one in resolution.removed],
        }
        _run(tree, asked, {"HOME": str(scratch), "SOURCE_DATE_EPOCH": str(epoch)}, report)
    finally:
        remove_tree(scratch)
    for name in _NOT_RUN:
        (tree / _BOOT_LOADER / f"{name}.install").unlink(missing_ok=True)
    refuse_difference(kept, tree)
    make_canonical(tree, release, kept, epoch, report)
    return facts(epoch, resolution)


def facts(epoch: int, resolution: Resolution) -> dict[str, Any]:
    """Return what is recorded with a tree of these packages."""
    return {"epoch": epoch, "packages": [str(package) for package in resolution.kept]}


def _lay_out(tree: Path) -> None:
    for name, mode in LAID_OUT.items():
        made(tree / name).chmod(mode)
    for name in _NOT_RUN:
        (tree / _BOOT_LOADER / f"{name}.install").symlink_to("/dev/null")


def _run(tree: Path, asked: Mapping[str, Any], env: Mapping[str, str], report: Report) -> None:
    def follow(line: str) -> None:
        report.log(line)
        if match := _INSTALLING.fullmatch(line):
            report.progress(int(match[2]), int(match[3]), f"installing {match[1]}")

    argv = [find_program("eatmydata"), interpreter(), "-I", str(script("install.py"))]
    try:
        enter(tree, argv, env=scripts_environment(env), input=json.dumps(asked), on_line=follow)
    except CommandError as error:
        raise BuildError(f"the packages could not be installed:\n{error.tail}") from error


def refuse_difference(expected: Sequence[Resolved], tree: Path) -> None:
    """Raise BuildError, naming what differs, unless exactly these packages are in a tree."""
    if lines := differences(expected, of_tree(tree).packages):
        raise BuildError(
            "what was installed is not what was resolved:\n" + "\n".join(lines),
            hint="a script that a package runs before it is installed may have failed: see the log",
        )
