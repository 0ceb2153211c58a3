"""A mirror that wants a password: apt has it, and nobody else sees it."""

import base64
import functools
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import make_repository

from sbkernel.errors import DefinitionError
from sbkernel.images.families.debian import aptfiles, sources
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.download import by_helper, downloads
from sbkernel.images.families.debian.logins import auth_conf, without
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.places import Place, shown
from sbkernel.images.families.rpm.repository import Repository
from sbkernel.jobs.report import NullReport

PASSWORD = "p@ss%word"
IN_ADDRESS = "p%40ss%25word"
TRUSTED = (("Trusted", "yes"),)


class Closed(http.server.SimpleHTTPRequestHandler):
    """Answers only who knows the password."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == f"Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}":
            super().do_GET()
        else:
            self.send_error(401)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "debs").mkdir()
    make_repository(tmp_path / "debs")
    handler = functools.partial(Closed, directory=str(tmp_path / "debs"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_mirror_is_read_with_a_password_that_is_in_no_address(tmp_path: Path, mirror: str) -> None:
    source = AptSource(f"http://me:{IN_ADDRESS}@{mirror}", "./", (), TRUSTED)
    apt = Apt.open(tmp_path / "apt", (source,), "amd64")
    assert not apt.update(NullReport())
    packages = apt.solve(["own-later"])
    files = downloads(tmp_path / "packages")
    files.fetch(packages, by_helper(apt.environment), NullReport())
    assert all(files.path(one).is_file() for one in packages)
    assert {one.uri.partition("://")[2].partition("/")[0] for one in packages} == {mirror}, "nor in a command line"
    told = [text for one in packages for text in (one.repository, one.record)]
    assert all(word not in text for text in told for word in (PASSWORD, IN_ADDRESS))
    found = subprocess.run(["grep", "-rlE", "p@ss|p%40ss", tmp_path / "apt"], capture_output=True, text=True).stdout
    (file,) = map(Path, found.split())
    assert file.name == "auth.conf" and file.stat().st_mode & 0o777 == 0o600
    assert (apt.directory / "apt.conf").stat().st_mode & 0o777 == 0o600, "it may hold the password of a proxy"
    plain = Apt.open(tmp_path / "apt", (AptSource(f"http://{mirror}", "./", (), TRUSTED),), "amd64")
    assert plain.directory != apt.directory, "who does not say the password does not find it in the cache"


def test_a_node_gets_no_source_with_a_password() -> None:
    """What is laid into an image can be fetched by anybody."""
    closed, plain = (AptSource(f"https://{login}m/debian", "bookworm", ("main",)) for login in ("me:secret@", ""))
    listed = b"".join(aptfiles.laid([closed, plain]).values()).decode()
    assert "secret" not in listed and "me" not in listed.split() and "https://m/debian" in listed
    assert aptfiles.laid([closed]) == {"etc/apt/sources.list.d/image.sources": b""}
    assert not Repository("r", closed.uri).for_nodes


@pytest.mark.parametrize("login", ["me:two%20words", "me:", "me", ":only", "me:line%0amachine%20other"])
def test_a_password_that_apt_could_not_read_is_refused_unseen(login: str) -> None:
    with pytest.raises(DefinitionError, match="apt cannot log in to http://m/d: ") as caught:
        auth_conf([AptSource(f"http://{login}@m/d", "./")], "")
    assert "words" not in str(caught.value) and "other" not in str(caught.value)


def test_the_logins_of_the_host_stay_and_without_one_nothing_changes() -> None:
    closed = AptSource("http://me:secret@m/d", "./")
    assert (
        auth_conf([closed, closed], "machine host\n") == "machine http://m/d login me password secret\nmachine host\n"
    )
    assert auth_conf([AptSource("http://m/d", "./"), AptSource("copy:/a@b/c", "./")], "machine host\n") == ""
    assert without(AptSource("copy:/srv//a@b/c", "./")).uri == "copy:/srv//a@b/c"


def test_no_message_has_a_password() -> None:
    assert shown("http://me:p@ss@m/x a http://you:p@m/y") == "http://m/x a http://m/y"
    for text in ("htp//me:secret@m ./ x", "deb [http://me:secret@m"):
        with pytest.raises(DefinitionError) as caught:
            sources.from_place(Place(text), "pkgdir", "bookworm", ())
        assert "secret" not in f"{caught.value} {caught.value.__cause__}"
