"""Install exactly the resolved packages into a new tree: rpm by way of dnf's library, in a private namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made, write_whole
from sbkernel.images.families.downloads import Downloads, differences
from sbkernel.images.families.package_manager import Base, Resolution
from sbkernel.images.families.rpm import over, records
from sbkernel.images.families.rpm.canonical import make_canonical
from sbkernel.images.families.rpm.database import macros
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.layers.over import changing
from sbkernel.images.sync.view import View
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
_DONE = 'for name; do [ -e "$name" ] || [ -L "$name" ] || ln -s /dev/null "$name"; done'
_UNDONE = 'for name; do [ "$(readlink "$name")" != /dev/null ] || rm -f "$name"; done'


def install(
    resolution: Resolution,
    downloads: Downloads,
    release: RpmRelease,
    passes: Sequence[Mapping[str, str]],
    tree: Path,
    report: Report,
    base: Base | None = None,
) -> dict[str, Any]:
    """Fill `tree` with the fetched packages; return `epoch` and what is in it, to be recorded with it.

    `passes` are the environments of those in which the packages come. Where there is a `base`, the tree begins as that,
    and shares its files.
    """
    packages, kept = resolution.packages, resolution.kept
    epoch = max(base.epoch if base else 0, records.newest(packages))
    scratch = made(tree.with_name("scratch"))
    with ExitStack() as stack:
        stack.callback(remove_tree, scratch)
        view = stack.enter_context(changing(base.tree, tree, report)) if base else View(tree)
        _prepare(view, base)
        write_whole(scratch / ".rpmmacros", macros(release))
        asked = {
            "root": str(view.tree),
            "scratch": str(scratch),
            "arch": release.architecture,
            "release": release.version,
            "packages": [{"file": str(downloads.path(one)), "pass": records.pass_of(one)} for one in packages],
            "passes": passes,
            "over": base is not None,
            "removed": [one.name for one in resolution.removed],
        }
        if packages:
            _run(view, asked, {"HOME": str(scratch), "SOURCE_DATE_EPOCH": str(epoch)}, report)
        _in(view, _UNDONE, *_links())
    expected = over.expected(kept, base, tree) if base else [str(package) for package in kept]
    refuse_difference(expected, tree)
    make_canonical(tree, release, kept, epoch, report, over=base is not None)
    return {"epoch": epoch, "packages": expected}


def _prepare(view: View, base: Base | None) -> None:
    """Lay out an empty tree, and see to it that scripts of kernel-install(8) that are not to be run are not."""
    if base is None:
        for name, mode in LAID_OUT.items():
            made(view.tree / name).chmod(mode)
    _in(view, _DONE, *_links())


def _links() -> list[str]:
    return [f"{_BOOT_LOADER}/{name}.install" for name in _NOT_RUN]


def _in(view: View, script: str, *words: str) -> None:
    view.run(["sh", "-ec", f'cd "$1"; shift; mkdir -p {_BOOT_LOADER}; {script}', "sh", view.tree, *words])


def _run(view: View, asked: Mapping[str, Any], env: Mapping[str, str], report: Report) -> None:
    def follow(line: str) -> None:
        report.log(line)
        if match := _INSTALLING.fullmatch(line):
            report.progress(int(match[2]), int(match[3]), f"installing {match[1]}")

    argv = [find_program("eatmydata"), interpreter(), "-I", str(script("install.py"))]
    try:
        enter(
            view.tree, argv, env=scripts_environment(env), input=json.dumps(asked), on_line=follow, before=view.before
        )
    except CommandError as error:
        raise BuildError(f"the packages could not be installed:\n{error.tail}") from error


def refuse_difference(expected: Sequence[object], tree: Path) -> None:
    """Raise BuildError, naming what differs, unless exactly these packages are in a tree."""
    if lines := differences(expected, of_tree(tree).packages):
        raise BuildError(
            "what was installed is not what was resolved:\n" + "\n".join(lines),
            hint="a script that a package runs before it is installed may have failed: see the log",
        )
