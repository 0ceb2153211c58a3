"""The default of xCAT's packimage: find, cpio and gzip; and the same with zstd."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from sbkernel.jobs.run import Completed, run
from sbkernel.lists.exlist import ALWAYS_EXCLUDED

ZSTD = "zstd"
_ENDINGS = {".zst": ZSTD}
_SCRIPT = Path(__file__).with_name("cpio_gzip.sh")


def compressors() -> list[str]:
    """Return gzip and, if it is installed, pigz, which xCAT prefers."""
    return ["gzip", *(["pigz"] if shutil.which("pigz") else [])]


def pack(tree: Path, output: Path, compressor: str, exclude: Sequence[str], include: Sequence[str]) -> None:
    """Pack a tree without what the patterns of an exclude list leave out. Raises CommandError."""
    _script(tree, output, compressor, [*ALWAYS_EXCLUDED, *exclude], include)


def selected(tree: Path, exclude: Sequence[str], include: Sequence[str]) -> list[str]:
    """Return the paths that find selects by an exclude list; without patterns all paths of the tree."""
    always = ALWAYS_EXCLUDED if exclude or include else ()
    return _script(tree, "", "", [*always, *exclude], include).stdout.splitlines()


def _script(
    tree: Path, output: Path | str, compressor: str, exclude: Sequence[str], include: Sequence[str]
) -> Completed:
    argv = ["bash", _SCRIPT, tree, output, compressor, *exclude, "--", *include]
    # zstd compresses with as many threads as there are processors (zstd(1), ENVIRONMENT VARIABLES).
    return run(argv, env={"ZSTD_NBTHREADS": "0"}, isolated=os.geteuid() != 0)


def paths(archive: Path) -> set[str]:
    """Return the paths in an archive with their directories, which unpacking makes in any case."""
    with tempfile.TemporaryFile() as stream:
        run([_ENDINGS.get(archive.suffix, "gzip"), "-d", "-c", archive], stdout=stream)
        stream.seek(0)
        listing = run(["cpio", "--quiet", "--list"], stdin=stream).stdout
    return with_parents(listing.splitlines())


def with_parents(names: Iterable[str]) -> set[str]:
    """Return relative paths and all their parents, without ./ and without the root itself."""
    found: set[str] = set()
    for name in names:
        path = PurePosixPath(name)
        found |= {str(part) for part in (path, *path.parents)}
    return found - {"."}
