"""Resolve and download with the host's apt into private directories; the host's own package state is not involved."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, write_if_changed
from sbkernel.images import apt_conf, apt_sources
from sbkernel.images.apt_output import Resolved, complaints, is_untrusted, solution, unknown_packages
from sbkernel.images.apt_sources import Source
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import Completed, run
from sbkernel.site import Site

# What mmdebstrap's variant minbase installs before the list.
BASE = ("?essential", "?and(?priority(required),?not(?essential))")


class UnknownPackagesError(BuildError):
    """Packages that no source has; `near` maps each to names like it."""

    def __init__(self, near: dict[str, list[str]]) -> None:
        super().__init__(f"no source has {', '.join(near)}")
        self.near = near


@dataclass(frozen=True)
class Resolution:
    """The solver's answer: exact packages, and whether the mirrors could not be asked."""

    packages: tuple[Resolved, ...]
    offline: bool


@dataclass(frozen=True)
class Apt:
    """One set of sources for one architecture, with apt's own state for it under the site's cache."""

    directory: Path
    archives: Path
    sources: tuple[Source, ...]
    architecture: str

    @classmethod
    def open(cls, site: Site, sources: tuple[Source, ...], architecture: str) -> Apt:
        """Prepare the private directories of these sources."""
        root = site.cache / "apt"
        key = digest_of([apt_sources.render(sources), architecture])[:16]
        apt = cls(root / key, root / "archives", sources, architecture)
        apt._prepare()
        return apt

    def _prepare(self) -> None:
        folders = ("etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "cache", "log")
        for path in (self.archives / "partial", *(self.directory / folder for folder in folders)):
            path.mkdir(parents=True, exist_ok=True)
        files = {
            "apt.conf": apt_conf.apt_conf(self.directory, self.archives, self.architecture, host_network()),
            "etc/sources.list.d/image.sources": apt_sources.render(self.sources),
            "etc/preferences.d/image": apt_conf.PREFERENCES,
            "state/status": "",
        }
        for name, text in files.items():
            write_if_changed(self.directory / name, text)

    @property
    def lists(self) -> Path:
        """Return the directory of the downloaded package lists."""
        return self.directory / "state/lists"

    @property
    def sources_file(self) -> Path:
        """Return the file of the sources."""
        return self.directory / "etc/sources.list.d/image.sources"

    @property
    def preferences_file(self) -> Path:
        """Return the file of the preferences."""
        return self.directory / "etc/preferences.d/image"

    def resolve(self, names: Sequence[str], report: Report) -> Resolution:
        """Update the lists and return what installing `names` on top of a minimal base means, exactly.

        Raises UnknownPackagesError, and BuildError when the mirrors fail and there are no lists from before.
        """
        with self._in_turn():
            offline = self._update(report)
            return Resolution(self._solve(names), offline)

    def resolve_known(self, names: Sequence[str], report: Report) -> tuple[Resolution, dict[str, list[str]]]:
        """Resolve like `resolve` what the sources have; the names that they do not come back with names like them."""
        with self._in_turn():
            offline = self._update(report)
            unknown: dict[str, list[str]] = {}
            while True:
                known = [name for name in names if name not in unknown and _bare(name) not in unknown]
                try:
                    return Resolution(self._solve(known), offline), unknown
                except UnknownPackagesError as error:
                    if not set(error.near) & {*known, *map(_bare, known)}:
                        raise
                    unknown |= error.near

    def records(self, packages: Sequence[Resolved]) -> str:
        """Return the records of resolved packages as apt-cache(8) prints them."""
        names = [f"{package.name}={package.version}" for package in packages]
        return run(["apt-cache", "show", *names], env=self._env(), check=False).stdout if names else ""

    def _update(self, report: Report) -> bool:
        done = self._get("update", "--error-on=any", report=report)
        if done.returncode == 0:
            (self.directory / "updated").touch()
            return False
        errors = complaints(done.stdout)
        if is_untrusted(errors):
            raise BuildError(f"the package sources cannot be trusted:\n{errors}")
        if not (self.directory / "updated").exists():
            raise BuildError(f"the package sources cannot be reached:\n{errors}", hint="check the network, or pkgdir")
        report.log("the package sources cannot be reached; using the package lists from the last time")
        return True

    def _solve(self, names: Sequence[str]) -> tuple[Resolved, ...]:
        # Printing addresses takes a quarter of the time of --simulate, and says which bytes are meant.
        nothing_there = f"-oDir::Cache::archives={self.directory}/none"
        done = self._get("install", "--print-uris", nothing_there, "-oAcquire::ForceHash=SHA256", *BASE, *names)
        if done.returncode == 0:
            return solution(done.stdout.splitlines())
        if unknown := unknown_packages(done.stdout):
            raise UnknownPackagesError({name: self._near(name) for name in dict.fromkeys(unknown)})
        raise BuildError(f"the packages cannot be installed together:\n{_reasons(done.stdout)}")

    def _near(self, name: str) -> list[str]:
        known = run(["apt-cache", "pkgnames"], env=self._env()).stdout.split()
        return difflib.get_close_matches(name, known, n=3)

    def download(self, names: Sequence[str], resolution: Resolution, report: Report) -> list[Path]:
        """Download what `names` resolve to into the cache that all images share; return the files."""
        with in_turn(self.archives / ".turn"), self._in_turn():
            done = 0

            def count(line: str) -> None:
                nonlocal done
                report.log(line)
                if line.startswith("Get:"):
                    done += 1
                    report.progress(done, len(resolution.packages), line.split()[4] if line.count(" ") > 3 else "")

            run(["apt-get", *_OPTIONS, "install", "--download-only", *BASE, *names], env=self._env(), on_line=count)
        return [self._archive(package) for package in resolution.packages]

    def _archive(self, package: Resolved) -> Path:
        path = self.archives / package.file
        if not path.is_file():
            raise BuildError(f"apt did not download {package}")
        return path

    def _get(self, *words: str, report: Report | None = None) -> Completed:
        """Run apt-get; standard output and error come back together."""
        lines: list[str] = []

        def keep(line: str) -> None:
            lines.append(line)
            if report is not None:
                report.log(line)

        done = run(["apt-get", *_OPTIONS, *words], env=self._env(), check=False, on_line=keep)
        return Completed(done.argv, done.returncode, "\n".join(lines))

    def _env(self) -> dict[str, str]:
        return {"APT_CONFIG": str(self.directory / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"}

    def _in_turn(self) -> AbstractContextManager[int]:
        return in_turn(self.directory / ".turn")


_OPTIONS = ("--yes", "--quiet")


def _bare(name: str) -> str:
    return name.partition("=")[0].partition(":")[0]


def _reasons(text: str) -> str:
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if "unmet dependencies" in line), 0)
    return "\n".join(lines[start:][-20:])


def host_network() -> str:
    """Return how this host reaches mirrors, from its apt configuration."""
    return apt_conf.network_settings(run(["apt-config", "dump"]).stdout)


def host_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """Read the sources that the host itself uses."""
    paths = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    files = [path for path in paths if path.suffix in (".list", ".sources") and path.is_file()]
    return [source for file in files for source in apt_sources.parse(file.read_text(), file)]


def newest(archives: Iterable[Path]) -> int:
    """Return when the newest of the packages was made, in seconds since the epoch; it says so itself (deb(5))."""
    return max(map(_made, archives), default=0)


def _made(archive: Path) -> int:
    with archive.open("rb") as file:
        header = file.read(len(b"!<arch>\n") + 60)
    return int(header[24:36])
