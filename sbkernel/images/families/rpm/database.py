"""The package database of a tree: where rpm of this host writes it, and in what form rpm of the release reads it.

Where the forms differ, rpm of the tree writes it anew itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made
from sbkernel.images.families.downloads import differences
from sbkernel.images.families.package_manager import Resolved
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.tree.namespaces import inside, remove_tree
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages.readers.rpm import query

WRITTEN = "sqlite"
"""The form that rpm of this host writes."""
_READ = {"bdb"}
"""Other forms that it reads; beside one that it does not, the database stays, for whoever lists what is installed."""
FILE = "rpmdb.sqlite"
_RPMDB = "usr/bin/rpmdb"


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


def convert(tree: Path, release: RpmRelease, expected: Sequence[Resolved], report: Report) -> None:
    """Let the rpm of the tree write its database anew, in its own form; BuildError when that fails.

    An image without rpm keeps the database: nothing in it could read another, and here it can be read.
    """
    if not (tree / _RPMDB).is_file():
        report.log(f"the image has no rpm, so its package database is {WRITTEN}, not {release.backend}")
        return
    scratch = made(tree.with_name("headers"))
    exported = scratch / "exported"
    database = tree / release.database / FILE
    try:
        # rpm writes beside a database that it reads.
        run(["cp", "--", database, scratch / FILE], isolated=True)
        with exported.open("wb") as file:
            run(["rpmdb", "--dbpath", scratch, "--exportdb"], stdout=file, isolated=True)
        if release.backend in _READ:
            run(["rm", "--", database], isolated=True)
        inside(tree, ["/usr/bin/rpmdb", "--importdb"], input=exported.read_bytes(), on_line=report.log)
        said = inside(tree, ["/usr/bin/rpm", "--query", "--all", "--queryformat", query.QUERY]).stdout
    except CommandError as error:
        raise BuildError(f"rpm in the image cannot take over the package database:\n{error.tail}") from error
    finally:
        remove_tree(scratch)
    if lines := differences(expected, query.packages(said)):
        raise BuildError("rpm in the image has not taken over the package database:\n" + "\n".join(lines))
