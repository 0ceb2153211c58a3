"""An index for a directory of packages that has none: it lies in the site's cache, and the directory stays as it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, made, write_whole
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import Report

_LISTING = "listing"


def unindexed(directory: Path, said: Sequence[str]) -> BuildError:
    """Return the error for a directory with a file in it that is no package, or not a whole one."""
    return BuildError(
        "\n".join([f"the packages in {directory} cannot be indexed:", *said]).rstrip(":"),
        hint="remove the file that is named there, or copy it anew",
    )


@dataclass(frozen=True)
class LocalIndex:
    """The index of the packages below `directory`, kept at `place`; `write(directory, place)` makes it."""

    directory: Path
    place: Path
    ending: str
    write: Callable[[Path, Path], None]

    @classmethod
    def below(cls, cache: Path, directory: Path, ending: str, write: Callable[[Path, Path], None]) -> LocalIndex:
        """Return the index of a directory, with a place of its own below the cache."""
        return cls(directory, cache / digest_of([str(directory), ending])[:16], ending, write)

    def refresh(self, report: Report) -> bool:
        """Make the index anew where the files have changed; tell whether the one from before has to do.

        Raises BuildError when the directory is gone and there is none.
        """
        with in_turn(made(self.place) / ".turn"):
            listing = self.place / _LISTING
            if not self.directory.is_dir():
                if not listing.exists():
                    raise BuildError(f"no directory {self.directory}", hint="correct pkgdir or otherpkgdir")
                report.log(f"{self.directory} is gone; using its package list from the last time")
                return True
            digest = self._digest()
            if not listing.exists() or listing.read_text() != digest:
                listing.unlink(missing_ok=True)
                report.log(f"indexing the packages in {self.directory}")
                self.write(self.directory, self.place)
                write_whole(listing, digest)
            # The cache knows by it when the index was used; its time tells when it was made.
            os.utime(listing, ns=(time.time_ns(), listing.stat().st_mtime_ns))
            return False

    def _digest(self) -> str:
        """Return a digest of names, sizes and times of the package files; BuildError for what cannot be read."""
        found = []
        for folder, folders, names in os.walk(self.directory, onerror=self._refuse):
            folders.sort()
            for name in sorted(name for name in names if name.endswith(self.ending)):
                path = Path(folder, name)
                if not path.name.isprintable():
                    # A line of an index would end in it, and the next one be what the name says.
                    raise unindexed(self.directory, [f"{str(path)!r} is no name of a package"])
                try:
                    stat = path.stat()
                except OSError as error:
                    self._refuse(error)
                found.append([str(path.relative_to(self.directory)), stat.st_size, stat.st_mtime_ns])
        return digest_of(found)

    def _refuse(self, error: OSError) -> NoReturn:
        raise unindexed(self.directory, [f"{error.filename}: {error.strerror}"]) from error


def refresh_all(indexes: Iterable[LocalIndex], report: Report) -> bool:
    """Index what has changed; tell whether a directory is gone and its index from the last time is used."""
    gone = [index.refresh(report) for index in indexes]
    return any(gone)
