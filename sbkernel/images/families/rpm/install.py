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
from sbkernel.images.families.rpm import records, state
from sbkernel.images.families.rpm.database import WRITTEN, convert
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.tree.emulation import emulated
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import enter, remove_tree, scripts_environment, stamp
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 1
_INSTALLING = re.compile(r"Installing (\S+) \((\d+)/(\d+)\)")
# rpm would change the modes of what is mounted there while packages are installed.
_MOUNTS = {"proc": 0o555, "sys": 0o555, "dev": 0o755, "run": 0o755, "tmp": 0o1777}
_BOOT_LOADER = "etc/kernel/install.d"
_DIRECTORIES = {
    **dict.fromkeys(("", "var", "etc", "etc/kernel", _BOOT_LOADER), 0o755),
    **_MOUNTS,
    "var/tmp": 0o1777,
}
"""What is there before any package: modes do not depend on who builds."""
# What kernel-install(8) would do for the host's way to boot: build an initrd for minutes, copy this host's command
# line. The first in etc/ counts, and one that leads nowhere is none.
_NOT_RUN = ("20-grub", "50-dracut", "51-dracut-rescue", "90-loaderentry", "92-crashkernel", "99-grub-mkconfig")


def macros(release: RpmRelease) -> str:
    """Return the macros with which rpm fills a tree: the database where the release looks for it, nothing of this host.

    For a release that knows another form of the database, it is put into that form when it is whole.
    """
    lines = {
        "_dbpath": f"/{release.database}",
        "_db_backend": WRITTEN,
        "__plugindir": "/nonexistent",
        "_netsharedpath": "/proc:/sys:/dev",
        "_install_langs": "all",
        "_excludedocs": "0",
        "_pkgverify_level": "none",  # each file was compared with its sum just before
    }
    return "".join(f"%{name} {value}\n" for name, value in lines.items())


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
            "database": release.database,
            "history": release.records == "dnf4",
            "epoch": epoch,
            "files": state.files(release, kept),
            "packages": [_described(one, downloads) for one in packages],
            "passes": passes,
            "removed": [one.name for one in resolution.removed],
        }
        _run(tree, asked, {"HOME": str(scratch), "SOURCE_DATE_EPOCH": str(epoch)}, report)
    finally:
        remove_tree(scratch)
    for name in _NOT_RUN:
        (tree / _BOOT_LOADER / f"{name}.install").unlink(missing_ok=True)
    _refuse_difference(kept, tree)
    if release.backend != WRITTEN:
        convert(tree, release, kept, report)
    stamp(tree, epoch)
    return {"epoch": epoch, "packages": [str(package) for package in kept]}


def _described(one: Resolved, downloads: Downloads) -> dict[str, Any]:
    reason = records.row_of(one)["reason"]
    place = {"file": str(downloads.path(one)), "repository": one.repository}
    return {**place, "reason": reason, "pass": records.pass_of(one)}


def _lay_out(tree: Path) -> None:
    for name, mode in _DIRECTORIES.items():
        made(tree / name).chmod(mode)
    for name in _NOT_RUN:
        (tree / _BOOT_LOADER / f"{name}.install").symlink_to("/dev/null")


def _run(tree: Path, asked: Mapping[str, Any], env: Mapping[str, str], report: Report) -> None:
    def follow(line: str) -> None:
        report.log(line)
        if match := _INSTALLING.fullmatch(line):
            report.progress(int(match[2]), int(match[3]), f"installing {match[1]}")

    before = emulated(str(asked["arch"]))
    argv = [find_program("eatmydata"), interpreter(), "-I", str(script("install.py"))]
    try:
        enter(tree, argv, env=scripts_environment(env), input=json.dumps(asked), on_line=follow, before=before)
    except CommandError as error:
        raise BuildError(f"the packages could not be installed:\n{error.tail}") from error


def _refuse_difference(expected: Sequence[Resolved], tree: Path) -> None:
    if lines := differences(expected, of_tree(tree).packages):
        raise BuildError(
            "what was installed is not what was resolved:\n" + "\n".join(lines),
            hint="a script that a package runs before it is installed may have failed: see the log",
        )
