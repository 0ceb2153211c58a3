"""Fetch package files by address and sha256 into the cache that all images share, by apt's own helper.

apt-helper(8) reaches mirrors as apt does: proxies, credentials, retries. A few of them run side by side, since one
asks a mirror for one file after the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, made
from sbkernel.images.families.debian.output import archive_name, complaints
from sbkernel.images.families.package_manager import Resolved
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs import spawn
from sbkernel.jobs.report import Report

HELPER = Path("/usr/lib/apt/apt-helper")
_HELPERS = 4
_POLL_S = 0.1


@dataclass(frozen=True)
class Downloads:
    """Package files by name and sum, below one directory; whoever adds some takes a turn."""

    directory: Path

    def path(self, package: Resolved) -> Path:
        """Return where a package's file is, or will be."""
        name = archive_name(package).removesuffix(".deb")
        return self.directory / f"{name}-{package.sha256[:16]}.deb"

    def fetch(self, packages: Sequence[Resolved], environment: Mapping[str, str], report: Report) -> None:
        """Fetch what is not there yet, or no longer what it was; `environment` is that of the apt to use.

        Raises BuildError when a source no longer has exactly the content that was resolved.
        """
        with in_turn(made(self.directory) / ".turn"):
            self._clean()
            missing = [package for package in packages if not self._has(package)]
            there = len(packages) - len(missing)
            report.progress(there, len(packages))
            if missing:
                with tempfile.TemporaryDirectory(prefix=".new-", dir=self.directory) as place:
                    self._fetch(missing, Path(place), environment, report, there)

    def _has(self, package: Resolved) -> bool:
        with contextlib.suppress(FileNotFoundError):
            if _sha256(self.path(package)) == package.sha256:
                os.utime(self.path(package))
                return True
            self.path(package).unlink()
        return False

    def _clean(self) -> None:
        for leftover in self.directory.glob(".new-*"):
            remove_tree(leftover)

    def _fetch(
        self, missing: Sequence[Resolved], place: Path, environment: Mapping[str, str], report: Report, there: int
    ) -> None:
        shares = [missing[start::_HELPERS] for start in range(min(_HELPERS, len(missing)))]
        outputs = [place / f"output-{number}" for number in range(len(shares))]
        with contextlib.ExitStack() as stack:
            helpers = [
                stack.enter_context(_helper(share, place, output, environment))
                for share, output in zip(shares, outputs, strict=True)
            ]
            while any(helper.poll() is None for helper in helpers):
                time.sleep(_POLL_S)
                done = sum((place / archive_name(package)).exists() for package in missing)
                report.progress(there + done, there + len(missing))
        said = "\n".join(output.read_text(errors="replace") for output in outputs)
        for package in missing:
            self._take(package, place / archive_name(package), said)
        report.progress(there + len(missing), there + len(missing))

    def _take(self, package: Resolved, file: Path, said: str) -> None:
        if not file.is_file() or _sha256(file) != package.sha256:
            problem = f"the source no longer has exactly the package that was resolved: {package}"
            raise BuildError(
                f"{problem}\n{complaints(said)}".rstrip(),
                hint="its repository has changed meanwhile: run it again to resolve anew",
            )
        file.chmod(0o644)
        file.replace(self.path(package))


@contextlib.contextmanager
def _helper(
    share: Sequence[Resolved], place: Path, output: Path, environment: Mapping[str, str]
) -> Iterator[spawn.Process]:
    words = [word for one in share for word in (one.uri, str(place / archive_name(one)), f"SHA256:{one.sha256}")]
    with output.open("wb") as stream:
        helper = spawn.spawn(
            [HELPER, "--quiet", "download-file", *words], env=environment, stdout=stream, stderr=spawn.STDOUT
        )
        try:
            yield helper
        finally:
            spawn.end(helper)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
