"""What cpio and tar have in common: a list of names into an archiver, its stream into a compressor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.images.pack import compressors, stream
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import NO_LIBRARIES, WHOLE, PackOptions, check_compression, checked_level
from sbkernel.jobs.report import Report
from sbkernel.units import size

_HEADER_BYTES = 512
_SHOWN = 5


class Archive:
    """A compressed archive of one method, whose options were checked."""

    libraries = NO_LIBRARIES
    unpacked = True
    stacks = False

    def __init__(self, method: str, options: PackOptions) -> None:
        compression = options.compression or "zstd"
        check_compression(compression, compressors.COMPRESSORS)
        if options.block_size is not None:
            raise DefinitionError(f"{method} has no blocks", hint="leave the block size out")
        level = checked_level(compression, options.level, compressors.levels())
        self.method = method
        self.compressor = compressors.COMPRESSORS[compression]
        self.level = level or self.compressor.levels[0]

    @property
    def described(self) -> dict[str, Any]:
        """Return the options with all defaults filled in."""
        return {"method": self.method, "compression": self.compressor.name, "level": self.level}

    @property
    def file_name(self) -> str:
        """Return a name such as root.cpio.zst."""
        return f"root.{self.method}{self.compressor.ending}"

    def compress(self, archiver: Sequence[str], content: Content, target: Path, report: Report) -> None:
        """Pack the content with an archiver that reads names, each ended by a zero byte."""
        stream.compress(
            archiver,
            self.compressor.argv(self.level),
            target,
            names=b"".join(os.fsencode(name) + b"\0" for name in content.names),
            view=content.seen,
            counted=_counted(content, report),
            on_line=report.log,
        )


def _counted(content: Content, report: Report) -> Callable[[int], None]:
    expected = max(1, content.survey.size + _HEADER_BYTES * len(content.names))
    told = 0

    def counted(passed: int) -> None:
        nonlocal told
        done = min(WHOLE, WHOLE * passed // expected)
        if done > told:
            told = done
            report.progress(done, WHOLE, size(passed))

    return counted


def some(paths: Sequence[str]) -> str:
    """Return a few of many paths as text."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return " ".join(path.removeprefix(".") for path in paths[:_SHOWN]) + more
