"""Put a tree's package database into the form that the rpm of its release reads: rpm of the tree writes it itself."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.families.rpm.releases import Release
from sbkernel.images.tree.namespaces import inside
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

WRITTEN = "sqlite"
"""The form that rpm of this host writes."""
_FILE = "rpmdb.sqlite"
_RPMDB = "usr/bin/rpmdb"


def convert(tree: Path, release: Release, report: Report) -> None:
    """Let the rpm of the tree write its database anew, in its own form; BuildError when that fails.

    An image without rpm keeps the database: nothing in it could read another, and here it can be read.
    """
    if not (tree / _RPMDB).is_file():
        report.log(f"the image has no rpm, so its package database is {WRITTEN}, not {release.backend}")
        return
    exported = tree.with_name("headers")
    database = tree / release.database / _FILE
    try:
        with exported.open("wb") as file:
            run(["rpmdb", "--dbpath", database.parent, "--exportdb"], stdout=file, isolated=True)
        run(["rm", "--", database], isolated=True)
        inside(tree, ["rpmdb", "--importdb"], input=exported.read_bytes(), on_line=report.log)
    except CommandError as error:
        raise BuildError(f"rpm in the image cannot take over the package database:\n{error.tail}") from error
    finally:
        exported.unlink(missing_ok=True)
