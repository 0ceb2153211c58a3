"""Resolving with private state: a mirror that is there, gone, or not to be trusted."""

import os
from pathlib import Path

import pytest
from debs import index, make_deb, make_repository
from serving import serving

from sbkernel.errors import BuildError
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.download import by_helper, downloads
from sbkernel.images.families.debian.install import newest
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.resolved import Resolution
from sbkernel.jobs.report import NullReport, Report


def later(path: Path) -> None:
    """HTTP dates have whole seconds: a file changed twice within one second is "not modified" to any client."""
    now = path.stat().st_mtime
    os.utime(path, (now + 2, now + 2))


class Log(NullReport):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    directory = tmp_path / "debs"
    directory.mkdir()
    make_repository(directory)
    return directory


def open_apt(place: Path, port: int, *options: tuple[str, str]) -> Apt:
    return Apt.open(place / "apt", (AptSource(f"http://127.0.0.1:{port}", "./", (), options),), "amd64")


def resolve(apt: Apt, names: list[str], report: Report | None = None) -> Resolution:
    """Resolve names with nothing below them."""
    offline = apt.update(report or NullReport())
    return Resolution(apt.solve(names), offline)


def test_resolved_exactly_and_with_dependencies(tmp_path: Path, debs: Path) -> None:
    with serving(debs) as port:
        apt = open_apt(tmp_path, port, ("Trusted", "yes"))
        resolution = resolve(apt, ["own-later"])
        assert [str(package) for package in resolution.packages] == ["own-later=1.0:all", "own-tool=1.0:all"]
        assert not resolution.offline
        files_of = downloads(tmp_path / "packages")
        files_of.fetch(resolution.packages, by_helper(apt.environment), NullReport())
        files = [files_of.path(package) for package in resolution.packages]
        assert newest(files) == 1_700_000_000
        assert [file.stat().st_size for file in files] == [package.size for package in resolution.packages]
        assert resolve(apt, ["own-later"]) == resolution


def test_many_files_are_fetched_side_by_side_and_each_is_counted(tmp_path: Path, debs: Path) -> None:
    names = [f"own-{number}" for number in range(20)]
    for name in names:
        make_deb(debs, name, {f"usr/share/{name}": name})
    index(debs)
    counted: list[int] = []

    class Counting(NullReport):
        def progress(self, done: int, total: int | None = None, text: str = "") -> None:
            assert total == len(names)
            counted.append(done)

    with serving(debs) as port:
        apt = open_apt(tmp_path, port, ("Trusted", "yes"))
        packages = resolve(apt, names).packages
        there = downloads(tmp_path / "packages")
        there.fetch(packages, by_helper(apt.environment), Counting())
    assert counted[0] == 0
    assert counted == sorted(counted)
    assert counted[-1] == len(names)
    assert all(there.path(package).is_file() for package in packages)
    there.fetch(packages, by_helper(apt.environment), Counting())


def test_a_package_rebuilt_with_the_same_version_is_another_resolution(tmp_path: Path, debs: Path) -> None:
    with serving(debs) as port:
        apt = open_apt(tmp_path, port, ("Trusted", "yes"))
        before = resolve(apt, ["own-tool"])
        make_deb(debs, "own-tool", {"usr/bin/own-tool": "changed"})
        index(debs)
        later(debs / "Packages")
        after = resolve(apt, ["own-tool"])
        assert str(after.packages[0]) == str(before.packages[0])
        assert after != before


def test_without_the_mirror_the_lists_from_before_serve_and_that_is_said(tmp_path: Path, debs: Path) -> None:
    with serving(debs) as port:
        before = resolve(open_apt(tmp_path, port, ("Trusted", "yes")), ["own-tool"])
    log = Log()
    after = resolve(open_apt(tmp_path, port, ("Trusted", "yes")), ["own-tool"], log)
    assert after.offline
    assert after.packages == before.packages
    assert any("cannot be reached; using the package lists from the last time" in line for line in log.lines)
    with pytest.raises(BuildError, match="the package sources cannot be reached"):
        resolve(open_apt(tmp_path, 9, ("Trusted", "yes")), ["own-tool"])


def test_unsigned_lists_are_refused_also_when_there_are_older_ones(tmp_path: Path, debs: Path) -> None:
    with serving(debs) as port:
        with pytest.raises(BuildError, match="the package sources cannot be trusted"):
            resolve(open_apt(tmp_path, port), ["own-tool"])
        (debs / "Release").write_text("Suite: x\n")
        with pytest.raises(BuildError, match="the package sources cannot be trusted"):
            resolve(open_apt(tmp_path, port), ["own-tool"])


def test_unknown_packages_come_with_near_names(tmp_path: Path, debs: Path) -> None:
    with serving(debs) as port, pytest.raises(UnknownPackagesError) as caught:
        resolve(open_apt(tmp_path, port, ("Trusted", "yes")), ["own-tol", "own-tool", "zzz"])
    assert caught.value.near == {"own-tol": ["own-tool", "own-later"], "zzz": []}


def test_packages_that_exclude_each_other_are_named(tmp_path: Path, debs: Path) -> None:
    make_deb(debs, "own-rival", Conflicts="own-tool")
    index(debs)
    with serving(debs) as port, pytest.raises(BuildError, match=r"(?s)cannot be installed together.*own-rival"):
        resolve(open_apt(tmp_path, port, ("Trusted", "yes")), ["own-tool", "own-rival"])
