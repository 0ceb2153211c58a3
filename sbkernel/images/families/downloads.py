"""Package files in the cache that all images share: by name and sum, each checked, fetched once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sbkernel.files import in_turn, made
from sbkernel.images import space, sums
from sbkernel.images.families.resolved import GoneError, Resolved
from sbkernel.images.tree.namespaces import clean
from sbkernel.jobs.report import Report

_USED_S = 3600
"""How exactly the time of a file says when somebody last used it, in seconds."""
_TICK_NS = 20_000_000
"""More than a tick of the clock of a file system: two changes in one tick look the same."""

Bring = Callable[[Sequence[tuple[Resolved, Path]], Callable[[int], None]], str]
"""Bring packages from their addresses to these paths, telling how many are there; return what went wrong."""


@dataclass(frozen=True)
class Downloads:
    """Package files below one directory; whoever adds some takes a turn. `file_name` is as its source has it."""

    directory: Path
    file_name: Callable[[Resolved], str]

    def path(self, package: Resolved) -> Path:
        """Return where a package's file is, or will be."""
        name = Path(self.file_name(package))
        return self.directory / f"{name.stem}-{package.sha256[:16]}{name.suffix}"

    def fetch(self, packages: Sequence[Resolved], bring: Bring, report: Report) -> None:
        """Fetch what is not there yet, or no longer what it was.

        Raises GoneError when a source no longer has exactly the content that was resolved.
        """
        with in_turn(made(self.directory) / ".turn"):
            clean(self.directory, ".new-*")
            known = sums.read(self._sums)
            unknown = [package for package in packages if not self._is_known(package, known)]
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:  # sums leave Python's lock to others
                there_are = list(threads.map(self._has, unknown))
            missing = [package for package, is_there in zip(unknown, there_are, strict=True) if not is_there]
            there = len(packages) - len(missing)
            report.progress(there, len(packages))
            if missing:
                space.check(sum(package.size for package in missing), "packages to download", self.directory)
                with tempfile.TemporaryDirectory(prefix=".new-", dir=self.directory) as place:
                    files = [(package, Path(place) / self.file_name(package)) for package in missing]
                    said = bring(files, lambda done: report.progress(there + done, len(packages)))
                    for package, file in files:
                        self._take(package, file, said)
                report.progress(len(packages), len(packages))
            self._remember(packages, known)

    @property
    def _sums(self) -> Path:
        return self.directory / ".sums"

    def missing(self, packages: Sequence[Resolved]) -> list[Resolved]:
        """Return the packages that are not there as they should be."""
        return [package for package in packages if not is_exactly(self.path(package), package.sha256)]

    def _is_known(self, package: Resolved, known: Mapping[str, str]) -> bool:
        """Tell whether a package is there, and its file was not changed since it was read last."""
        path = self.path(package)
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            if known.get(sums.key_of(status)) == package.sha256:
                _note_use(path, status)
                return True
        return False

    def _has(self, package: Resolved) -> bool:
        """Tell whether a package is there, and read it for that."""
        path = self.path(package)
        with contextlib.suppress(FileNotFoundError):
            if is_exactly(path, package.sha256):
                _note_use(path, path.stat())
                return True
            path.unlink()
        return False

    def _remember(self, packages: Sequence[Resolved], known: Mapping[str, str]) -> None:
        """Keep the sums of these packages, and of others whose files are as they were."""
        new = {sums.key_of(self.path(one).stat()): one.sha256 for one in packages}
        if not new.keys() <= known.keys():
            there = {sums.key_of(entry.stat()) for entry in os.scandir(self.directory)}
            kept = {key: value for key, value in known.items() if key in there}
            sums.write(self._sums, {**kept, **new}, time.time_ns() - _TICK_NS)

    def _take(self, package: Resolved, file: Path, said: str) -> None:
        if not is_exactly(file, package.sha256):
            raise GoneError(package, said)
        file.chmod(0o644)
        file.replace(self.path(package))


def _note_use(path: Path, status: os.stat_result) -> None:
    if time.time() - status.st_mtime > _USED_S:
        os.utime(path)


def differences(expected: Iterable[object], got: Iterable[object]) -> list[str]:
    """Return what is missing (-) and what is more than expected (+), a line each."""
    wanted, there = {str(one) for one in expected}, {str(one) for one in got}
    return [*(f"- {name}" for name in sorted(wanted - there)), *(f"+ {name}" for name in sorted(there - wanted))]


def is_exactly(path: Path, expected: str) -> bool:
    """Tell whether there is a file with this sum, whose length says of which kind it is."""
    if not path.is_file():
        return False
    kind = {64: "sha256", 96: "sha384", 128: "sha512"}[len(expected)]
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest() == expected
