"""Make the archive that a kernel unpacks as its first root: cpio, reproducible, compressed as it can read."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from sbkernel.jobs.run import run

# Any fixed time will do; 1980 is the earliest that every archive format can hold.
MTIME_S = 315532800
# Level 15 takes ten times as long for a tenth less.
ZSTD_LEVEL = 5


def compression(config: str) -> str:
    """Return the best compression that a kernel's configuration says it can unpack; gzip when it says nothing."""
    return "zstd" if "CONFIG_RD_ZSTD=y" in config.splitlines() else "gzip"


def pack(stage: Path, output: Path, method: str) -> Path:
    """Pack a directory as newc cpio, owned by root whoever runs this; the same input makes the same bytes."""
    paths = sorted(stage.rglob("*"))
    for path in paths:
        _level(path)
    archive = output.with_suffix(".cpio")
    listing = "".join(f"{path.relative_to(stage)}\0" for path in paths)
    command = ["cpio", "-o", "-0", "-H", "newc", "--quiet", "--reproducible", "-R", "+0:+0", "-F", str(archive)]
    run(command, cwd=stage, input=listing)
    _compress(archive, output, method)
    return output


def _level(path: Path) -> None:
    """Give a file the same mode and time whatever the umask and the clock say."""
    if not path.is_symlink():
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    os.utime(path, (MTIME_S, MTIME_S), follow_symlinks=False)


def _compress(archive: Path, output: Path, method: str) -> None:
    if method == "zstd":
        run(["zstd", "-q", "-f", f"-{ZSTD_LEVEL}", "-T0", archive, "-o", output])
        return
    with archive.open("rb") as source, output.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as target:
        shutil.copyfileobj(source, target)
