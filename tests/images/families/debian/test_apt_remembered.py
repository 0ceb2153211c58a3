"""apt is not asked again what cannot have changed, and always when it may have: a signed mirror that moves."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

import pytest
from debs import index, make_deb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.families.debian import apt as apt_module
from sbkernel.images.families.debian import remembered
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.download import by_helper, downloads
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.jobs.report import NullReport

BEHIND_PROXY = "http://mirror.invalid"


@dataclass
class Mirror:
    """A signed flat repository, served on loopback, and a proxy for it; `asked` are the files that were asked for."""

    place: Path
    home: Path
    key: Path
    port: int = 0
    asked: list[str] = field(default_factory=list)
    proxied: list[str] = field(default_factory=list)
    clock: int = field(default_factory=lambda: int(time.time()) - 90_000)

    def publish(self, name: str, version: str, **fields: str) -> None:
        make_deb(self.place, name, Version=version)
        index(self.place)
        self.sign(**fields)

    def sign(self, **fields: str) -> None:
        """Sign what is there; HTTP dates have whole seconds, so everything is newer than before."""
        (self.place / "Release").unlink(missing_ok=True)
        given = {
            "Date": formatdate(self.clock, usegmt=True),
            **{name.replace("_", "-"): fields[name] for name in fields},
        }
        said = subprocess.run(
            ["apt-ftparchive", "release", "."], cwd=self.place, check=True, capture_output=True, text=True
        )
        lines = [
            line for line in said.stdout.splitlines() if not line.startswith(("Date:", " ")) or " Packages" in line
        ]
        (self.place / "Release").write_text("\n".join([*(f"{k}: {v}" for k, v in given.items()), *lines, ""]))
        gpg = ["gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--clearsign"]
        subprocess.run([*gpg, "--output", self.place / "InRelease", self.place / "Release"], check=True)
        self.clock += 2
        for file in ("InRelease", "Release", "Packages"):
            os.utime(self.place / file, (self.clock, self.clock))

    def apt(self, cache: Path) -> Apt:
        source = AptSource(f"http://127.0.0.1:{self.port}", "./", (), (("Signed-By", str(self.key)),))
        return Apt.open(cache, (source,), "amd64")


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, mirror: Mirror) -> None:
        self.mirror = mirror
        super().__init__(*arguments, directory=str(mirror.place))  # type: ignore[arg-type]

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.mirror.asked.append(self.path.rpartition("/")[2])
        if self.path.startswith(BEHIND_PROXY):
            self.mirror.proxied.append(self.path.rpartition("/")[2])
            self.path = self.path.removeprefix(BEHIND_PROXY)
        super().do_GET()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "Own <o@o.invalid>", "ed25519"], check=True, capture_output=True)
    subprocess.run([*gpg, "--armor", "--output", home / "key.asc", "--export"], check=True)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


@pytest.fixture
def mirror(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(apt_module, "host_network", lambda: "")
    shutil.copy(home / "key.asc", tmp_path / "key.asc")
    found = Mirror(tmp_path / "mirror", home, tmp_path / "key.asc")
    found.place.mkdir()
    found.publish("own-tool", "1.0")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, mirror=found)) as server:
        found.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def versions(apt: Apt, *names: str) -> list[str]:
    assert not apt.update(NullReport())
    return [str(one) for one in apt.solve(names or ("own-tool",))]


def test_of_a_mirror_with_nothing_new_only_the_signed_list_is_fetched(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = mirror.apt(tmp_path / "apt")
    first = apt.solve(["own-tool"]) if not apt.update(NullReport()) else ()
    mirror.asked.clear()
    monkeypatch.setattr(Apt, "_get", lambda *_words, **_more: pytest.fail("apt-get was asked"))
    assert not apt.update(NullReport()) and apt.solve(["own-tool"]) == first and first[0].record
    assert mirror.asked == ["InRelease"]


CHANGES = st.sampled_from(
    ["publish", "sign", "another name", "lists", "key", "solutions", "stamp", "preferences", "day"]
)


@given(changes=st.lists(CHANGES, min_size=2, max_size=5))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_changes_the_answer_is_that_of_an_apt_that_remembers_nothing(
    mirror: Mirror, tmp_path: Path, changes: list[str]
) -> None:
    apt = mirror.apt(tmp_path / "apt")
    for number, change in enumerate(changes):
        if change == "publish":
            mirror.publish("own-tool", f"{mirror.clock}.{number}")
        elif change == "sign":
            mirror.sign()
        elif change == "another name":
            mirror.publish("own-other", f"{mirror.clock}.{number}")
        elif change == "lists":
            for file in (apt.directory / "state/lists").glob("*Packages"):
                file.unlink()
        elif change == "key":
            mirror.key.write_bytes(mirror.key.read_bytes())
        elif change == "solutions":
            for file in (apt.directory / "solved").glob("*.json"):
                file.write_text(file.read_text().replace("own-tool", "own-tooL"))
        elif change == "stamp":
            (apt.directory / "updated").write_text("{")
        elif change == "day":
            os.utime(apt.directory / "updated", (time.time() - 90_000,) * 2)
        else:
            (apt.directory / "etc/preferences.d/image").write_text(
                "Package: own-other\nPin: release *\nPin-Priority: 1\n"
            )
        shutil.rmtree(tmp_path / "fresh", ignore_errors=True)
        assert versions(apt) == versions(mirror.apt(tmp_path / "fresh")), changes[: number + 1]


def test_a_key_that_is_no_longer_trusted_is_noticed(mirror: Mirror, tmp_path: Path) -> None:
    apt = mirror.apt(tmp_path / "apt")
    versions(apt)
    mirror.key.write_text("")
    with pytest.raises(BuildError, match="cannot be trusted"):
        apt.update(NullReport())


def test_a_signed_list_that_has_run_out_is_noticed(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.sign(Valid_Until=formatdate(time.time() + 3600, usegmt=True))
    apt = mirror.apt(tmp_path / "apt")
    versions(apt)
    assert remembered.Remembered(apt.directory, apt.environment).nothing_new()
    now = time.time()
    monkeypatch.setattr(remembered.time, "time", lambda: now + 7200)
    mirror.asked.clear()
    assert not remembered.Remembered(apt.directory, apt.environment).nothing_new() and mirror.asked == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [({"Date": 86_400}, "is not valid yet"), ({"Date": -90_000, "Valid_Until": -3600}, "is expired")],
)
def test_a_clock_that_has_jumped_is_named(mirror: Mirror, tmp_path: Path, fields: dict[str, int], says: str) -> None:
    """For apt a clock that is behind makes the mirror of tomorrow, and one that is ahead a stale one."""
    mirror.sign(**{name: formatdate(time.time() + seconds, usegmt=True) for name, seconds in fields.items()})
    apt = mirror.apt(tmp_path / "apt")
    with pytest.raises(BuildError, match=rf"of another time than it is here, \d{{4}}-(?s:.*){says}") as caught:
        apt.update(NullReport())
    assert "set the clock of this host" in str(caught.value.hint)


def test_a_mirror_that_is_gone_is_said(mirror: Mirror, tmp_path: Path) -> None:
    apt = mirror.apt(tmp_path / "apt")
    before = versions(apt)
    for file in mirror.place.iterdir():
        if file.is_file():
            file.unlink()
    assert apt.update(NullReport()), "the lists from the last time are used, and that is said"
    assert [str(one) for one in apt.solve(["own-tool"])] == before


def test_a_repository_of_this_host_is_looked_at_by_its_files(mirror: Mirror, tmp_path: Path) -> None:
    source = AptSource(f"copy:{mirror.place}", "./", (), (("Signed-By", str(mirror.key)),))
    apt = Apt.open(tmp_path / "apt", (source,), "amd64")
    assert versions(apt) == ["own-tool=1.0:all"]
    assert remembered.Remembered(apt.directory, apt.environment).nothing_new()
    mirror.publish("own-tool", "2.0")
    assert versions(apt) == ["own-tool=2.0:all"]


def test_only_a_few_solutions_are_kept(mirror: Mirror, tmp_path: Path) -> None:
    for number in range(remembered.KEPT + 3):
        make_deb(mirror.place, f"own-{number}")
    index(mirror.place)
    mirror.sign()
    apt = mirror.apt(tmp_path / "apt")
    for number in range(remembered.KEPT + 3):
        versions(apt, f"own-{number}")
    kept = [json.loads(file.read_text()) for file in (apt.directory / "solved").glob("*.json")]
    assert len(kept) == remembered.KEPT


def test_a_mirror_is_reached_through_the_proxy_of_this_host(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = f'Acquire::http::Proxy "http://127.0.0.1:{mirror.port}";\n'
    monkeypatch.setattr(apt_module, "host_network", lambda: proxy)
    apt = Apt.open(tmp_path / "apt", (AptSource(BEHIND_PROXY, "./", (), (("Signed-By", str(mirror.key)),)),), "amd64")
    assert versions(apt) == ["own-tool=1.0:all"] and "Packages" in mirror.proxied
    mirror.proxied.clear()
    assert versions(apt) == ["own-tool=1.0:all"] and mirror.proxied == ["InRelease"]
    files = downloads(tmp_path / "packages")
    files.fetch(apt.solve(["own-tool"]), by_helper(apt.environment), NullReport())
    assert mirror.proxied == ["InRelease", "own-tool_1.0_all.deb"]


@pytest.mark.parametrize("component", ["main", "updates/main", "a/b/c"])
def test_a_repository_of_this_host_that_nobody_signs_is_looked_at_in_all_its_components(
    tmp_path: Path, component: str
) -> None:
    """Without a Release the indexes of the components are all that tells; a component may have slashes."""
    place = tmp_path / "local"
    index_dir = place / "dists/stable" / component / "binary-amd64"
    index_dir.mkdir(parents=True)
    source = AptSource(f"copy:{place}", "stable", (component,), (("Trusted", "yes"),))
    apt = Apt.open(tmp_path / "apt", (source,), "amd64")
    for version in ("1.0", "2.0"):
        make_deb(place, "own-tool", Version=version)
        index(place)
        (place / "Packages").replace(index_dir / "Packages")
        os.utime(index_dir / "Packages", (time.time() + float(version) * 10,) * 2)
        assert versions(apt) == [f"own-tool={version}:all"]
        assert remembered.Remembered(apt.directory, apt.environment).nothing_new()
