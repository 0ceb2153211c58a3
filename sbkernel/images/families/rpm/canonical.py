"""Make a tree of packages the same whichever way it came about: its records, and what differs from build to build."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made, write_whole
from sbkernel.images.families.package_manager import Resolved
from sbkernel.images.families.rpm import records, state
from sbkernel.images.families.rpm.database import WRITTEN, convert, macros
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.tree import leveled
from sbkernel.images.tree.namespaces import inside, remove_tree
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

SCRIPTS = (script("canonical.py"), leveled.SCRIPT)
_LDCONFIG = "sbin/ldconfig"


def make_canonical(
    tree: Path,
    release: RpmRelease,
    kept: Sequence[Resolved],
    epoch: int,
    report: Report,
    days: Sequence[int] = (),
    *,
    over: bool = False,
) -> None:
    """Write the records of exactly these packages into a tree that holds them, as of `epoch`, and level the tree.

    Of a tree that was another before, `days` are those on which users were made before and are made now. Of a tree that
    these packages have come `over`, what dnf knows of the others stays as it is.
    """
    if (tree / _LDCONFIG).is_file():
        # Whether a library is known must not depend on who came after it, and ran this.
        inside(tree, [f"/{_LDCONFIG}"], on_line=report.log)
    scratch = made(tree.with_name("records"))
    try:
        write_whole(scratch / ".rpmmacros", macros(release))
        asked = {
            "root": str(tree),
            "scratch": str(scratch),
            "release": release.version,
            "database": release.database,
            "history": release.records == "dnf4" and not over,
            "over": over,
            "epoch": epoch,
            "files": state.modules(kept) if over else state.files(release, kept),
            "packages": [_recorded(one) for one in kept],
        }
        argv = [find_program("eatmydata"), interpreter(), "-I", str(script("canonical.py"))]
        run(argv, env={"HOME": str(scratch)}, input=json.dumps(asked), on_line=report.log, isolated=True)
    except CommandError as error:
        raise BuildError(f"the records of the packages could not be written:\n{error.tail}") from error
    finally:
        remove_tree(scratch)
    if release.backend != WRITTEN:
        convert(tree, release, kept, report)
    leveled.level(tree, epoch, days)


def _recorded(one: Resolved) -> dict[str, Any]:
    epoch, _, rest = one.version.rpartition(":")
    version, _, build = rest.rpartition("-")
    row = records.row_of(one)
    return {
        "name": one.name, "epoch": epoch or "0", "version": version, "release": build, "arch": one.architecture,
        "repository": one.repository, "reason": row["reason"],
    }  # fmt: skip
