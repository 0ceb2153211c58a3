"""Resolving with private state: a mirror that is there, gone, or not to be trusted."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from debs import index, make_deb, make_repository

from sbkernel.errors import BuildError
from sbkernel.images.apt import Apt, UnknownPackagesError, newest
from sbkernel.images.apt_sources import Source
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(directory: Path, port: int = 0) -> Iterator[int]:
    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


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
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    directory = tmp_path / "debs"
    directory.mkdir()
    make_repository(directory)
    return directory


def open_apt(site: Site, port: int, *options: tuple[str, str]) -> Apt:
    return Apt.open(site, (Source(f"http://127.0.0.1:{port}", "./", (), options),), "amd64")


def test_resolved_exactly_and_with_dependencies(site: Site, debs: Path) -> None:
    with serving(debs) as port:
        apt = open_apt(site, port, ("Trusted", "yes"))
        resolution = apt.resolve(["own-later"], NullReport())
        assert [str(package) for package in resolution.packages] == ["own-later=1.0:all", "own-tool=1.0:all"]
        assert not resolution.offline
        files = apt.download(["own-later"], resolution, NullReport())
        assert newest(files) == 1_700_000_000
        assert [file.stat().st_size for file in files] == [package.size for package in resolution.packages]
        assert apt.resolve(["own-later"], NullReport()) == resolution


def test_a_package_rebuilt_with_the_same_version_is_another_resolution(site: Site, debs: Path) -> None:
    with serving(debs) as port:
        apt = open_apt(site, port, ("Trusted", "yes"))
        before = apt.resolve(["own-tool"], NullReport())
        make_deb(debs, "own-tool", {"usr/bin/own-tool": "changed"})
        index(debs)
        later(debs / "Packages")
        after = apt.resolve(["own-tool"], NullReport())
        assert str(after.packages[0]) == str(before.packages[0])
        assert after != before


def test_without_the_mirror_the_lists_from_before_serve_and_that_is_said(site: Site, debs: Path) -> None:
    with serving(debs) as port:
        before = open_apt(site, port, ("Trusted", "yes")).resolve(["own-tool"], NullReport())
    log = Log()
    after = open_apt(site, port, ("Trusted", "yes")).resolve(["own-tool"], log)
    assert after.offline
    assert after.packages == before.packages
    assert any("cannot be reached; using the package lists from the last time" in line for line in log.lines)
    with pytest.raises(BuildError, match="the package sources cannot be reached"):
        open_apt(site, 9, ("Trusted", "yes")).resolve(["own-tool"], NullReport())


def test_unsigned_lists_are_refused_also_when_there_are_older_ones(site: Site, debs: Path) -> None:
    with serving(debs) as port:
        with pytest.raises(BuildError, match="the package sources cannot be trusted"):
            open_apt(site, port).resolve(["own-tool"], NullReport())
        (debs / "Release").write_text("Suite: x\n")
        with pytest.raises(BuildError, match="the package sources cannot be trusted"):
            open_apt(site, port).resolve(["own-tool"], NullReport())


def test_unknown_packages_come_with_near_names(site: Site, debs: Path) -> None:
    with serving(debs) as port, pytest.raises(UnknownPackagesError) as caught:
        open_apt(site, port, ("Trusted", "yes")).resolve(["own-tol", "own-tool", "zzz"], NullReport())
    assert caught.value.near == {"own-tol": ["own-tool", "own-later"], "zzz": []}


def test_packages_that_exclude_each_other_are_named(site: Site, debs: Path) -> None:
    make_deb(debs, "own-rival", Conflicts="own-tool")
    index(debs)
    with serving(debs) as port, pytest.raises(BuildError, match=r"(?s)cannot be installed together.*own-rival"):
        open_apt(site, port, ("Trusted", "yes")).resolve(["own-tool", "own-rival"], NullReport())
