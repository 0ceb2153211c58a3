"""Resolve with the host's apt in private directories; the host's own package state is not involved."""

from __future__ import annotations

import dataclasses
import difflib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, made, write_if_changed
from sbkernel.images.families.debian import configuration, logins, records, sources
from sbkernel.images.families.debian.output import (
    complaints,
    is_of_another_time,
    is_untrusted,
    providers,
    solution,
    unknown_packages,
)
from sbkernel.images.families.debian.remembered import Remembered
from sbkernel.images.families.debian.security import Offer, offers, security_indexes
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.resolved import Base, Resolved
from sbkernel.images.plan import digest_of
from sbkernel.images.tree.namespaces import clean
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import Completed, run
from sbkernel.packages.readers.deb.dpkg import STATUS

BASE = ("?essential", "?and(?priority(required),?not(?essential))")
"""What mmdebstrap's variant minbase installs before the list."""

_OPTIONS = ("--yes", "--quiet")
_AUTH = "etc/auth.conf"
# How this host reaches a proxy may hold a password, too.
_SECRET = ("apt.conf", _AUTH)


@dataclass(frozen=True)
class Apt:
    """apt's own state for one set of sources and one architecture, in a directory below the site's cache."""

    directory: Path

    @classmethod
    def open(
        cls, cache: Path, chosen: tuple[AptSource, ...], architecture: str, preferences: str = configuration.PREFERENCES
    ) -> Apt:
        """Prepare the private directories of these sources below `cache`."""
        text = sources.render(chosen)
        apt = cls(cache / digest_of([text, architecture])[:16])
        if not (temporary := apt.directory / "tmp").is_dir():
            made(temporary).chmod(0o1777)  # apt's methods give up root and write here
        for folder in ("etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "cache", "archives", "log"):
            made(apt.directory / folder)
        auth = logins.auth_conf(chosen, host_auth())
        netrc = f"{apt.directory}/{_AUTH}" if auth else configuration.NETRC
        files = {
            "apt.conf": configuration.apt_conf(apt.directory, architecture, host_network(), netrc),
            "etc/sources.list.d/image.sources": sources.render(map(logins.without, chosen)),
            "etc/preferences.d/image": preferences,
            "state/status": "",
        }
        files |= {_AUTH: auth} if auth else {}
        for name, content in files.items():
            write_if_changed(apt.directory / name, content, mode=0o600 if name in _SECRET else 0o644)
        os.utime(apt.directory / "apt.conf")  # so that the cache knows when it was used
        return apt

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which every program of apt works in these directories."""
        # A killed apt leaves its temporary files; below the cache the next update removes them.
        return {
            "APT_CONFIG": str(self.directory / "apt.conf"),
            "DEBIAN_FRONTEND": "noninteractive",
            "TMPDIR": str(self.directory / "tmp"),
        }

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Take turns at the package lists."""
        with in_turn(self.directory / ".turn"):
            yield

    @property
    def updated(self) -> bool:
        """Tell whether there are package lists."""
        return self._remembered.stamp.exists()

    @property
    def _remembered(self) -> Remembered:
        return Remembered(self.directory, self.environment)

    def unknown(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the names that apt would not install, with names like them.

        A name that several packages provide comes with those: apt wants to be told which.
        """
        known = self._names()
        missing = [name for name in dict.fromkeys(names) if name not in known]
        shown = run(["apt-cache", "showpkg", *missing], env=self.environment, check=False).stdout if missing else ""
        provided = providers(shown)
        found = {name: provided.get(name) or difflib.get_close_matches(name, known, n=3) for name in missing}
        return {name: near for name, near in found.items() if len(provided.get(name, ())) != 1}

    def update(self, report: Report) -> bool:
        """Bring the package lists up to date; tell whether that failed and those from the last time are used."""
        clean(self.directory / "tmp", "*")
        if self._remembered.nothing_new():
            report.log("the package sources have nothing new")
            return False
        done = self._get("update", "--error-on=any", report=report)
        if done.returncode == 0:
            self._remembered.note_update()
            return False
        errors = complaints(done.stdout)
        if is_of_another_time(errors):
            now = time.strftime("%Y-%m-%d %H:%M")
            raise BuildError(
                f"the package sources are of another time than it is here, {now}:\n{errors}",
                hint="set the clock of this host (date); if it is right, the mirror is stale",
            )
        if is_untrusted(errors):
            raise BuildError(
                f"the package sources cannot be trusted:\n{errors}",
                hint="write gpgkey=/PATH/OF/KEY after the address in pkgdir, or gpgcheck=0 to trust the mirror blindly",
            )
        if not self.updated:
            raise BuildError(f"the package sources cannot be reached:\n{errors}", hint="check the network, or pkgdir")
        report.log("the package sources cannot be reached; using the package lists from the last time")
        return True

    def solve(
        self, names: Sequence[str], left_out: Sequence[str] = (), over: Base | None = None, pins: str = ""
    ) -> tuple[Resolved, ...]:
        """Return what installing `names` means on top of a minimal base, or `over` a tree; each package has its record.

        None of `left_out`, names or patterns, comes in; what needs them does not either. No package of a tree leaves.
        `pins` are further preferences (apt_preferences(5)).
        """
        question = [list(names), list(left_out), *([over.digest] if over else []), *([pins] if pins else [])]
        return self._remembered.solution(question, lambda: self._solve(names, left_out, over, pins))

    def security(self, names: Iterable[str]) -> tuple[dict[str, list[Offer]], set[str]]:
        """Return what the indexes have of packages, and which indexes are of security archives."""
        asked = sorted(set(names))
        shown = run(["apt-cache", "madison", *asked], env=self.environment).stdout if asked else ""
        return offers(shown), security_indexes(run(["apt-cache", "policy"], env=self.environment).stdout)

    def _solve(
        self, names: Sequence[str], left_out: Sequence[str], over: Base | None, pins: str
    ) -> tuple[Resolved, ...]:
        # Printing addresses takes a quarter of the time of --simulate, and says which bytes are meant.
        nothing_there = f"-oDir::Cache::archives={self.directory}/none"
        done = self._get(
            "install",
            "--print-uris",
            nothing_there,
            "-oAcquire::ForceHash=SHA256",
            *self._preferring(left_out, pins),
            *([f"-oDir::State::status={over.tree / STATUS}", "--no-remove"] if over else BASE),
            *names,
        )
        if done.returncode == 0:
            return self._with_records(solution(done.stdout.splitlines()))
        if unknown := unknown_packages(done.stdout):
            raise UnknownPackagesError({name: self._near(name) for name in dict.fromkeys(unknown)})
        raise BuildError(f"the packages cannot be installed together:\n{_reasons(done.stdout)}")

    def _preferring(self, left_out: Sequence[str], pins: str) -> list[str]:
        """Return the option that keeps packages out, or at versions (apt_preferences(5))."""
        if not left_out and not pins:
            return []
        file = self.directory / "left-out"
        write_if_changed(file, "\n".join(filter(None, [configuration.kept_out(left_out), pins])))
        return [f"-oDir::Etc::preferences={file}"]

    def _with_records(self, packages: Sequence[Resolved]) -> tuple[Resolved, ...]:
        """Add to each package what the package lists say of it (apt-cache(8), show)."""
        names = [f"{package.name}:{package.architecture}={package.version}" for package in packages]
        shown = run(["apt-cache", "show", *names], env=self.environment, check=False).stdout if names else ""
        known = records.by_content(shown)
        missing = next((package for package in packages if records.key(package) not in known), None)
        if missing is not None:
            raise BuildError(f"the package sources have no record of {missing}", hint="is its index damaged?")
        return tuple(dataclasses.replace(package, record=known[records.key(package)]) for package in packages)

    def _near(self, name: str) -> list[str]:
        return difflib.get_close_matches(name, self._names(), n=3)

    def _names(self) -> list[str]:
        return run(["apt-cache", "pkgnames"], env=self.environment).stdout.split()

    def _get(self, *words: str, report: Report | None = None) -> Completed:
        """Run apt-get; standard output and error come back together."""
        lines: list[str] = []

        def keep(line: str) -> None:
            lines.append(line)
            if report is not None:
                report.log(line)

        done = run(["apt-get", *_OPTIONS, *words], env=self.environment, check=False, on_line=keep)
        return Completed(done.argv, done.returncode, "\n".join(lines))


def _reasons(text: str) -> str:
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if "unmet dependencies" in line), 0)
    return "\n".join(lines[start:][-20:])


def host_network() -> str:
    """Return how this host reaches mirrors, from its apt configuration."""
    return configuration.network_settings(run(["apt-config", "dump"]).stdout)


def host_auth(file: Path = Path(configuration.NETRC)) -> str:
    """Return how this host logs in to mirrors, "" when it has no such file, or not for us."""
    try:
        return file.read_text()
    except (FileNotFoundError, PermissionError):
        return ""


def host_sources(etc: Path = Path("/etc/apt")) -> list[AptSource]:
    """Read the sources that the host itself uses."""
    paths = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    files = [path for path in paths if path.suffix in (".list", ".sources") and path.is_file()]
    return [source for file in files for source in sources.parse(file.read_text(), file)]
