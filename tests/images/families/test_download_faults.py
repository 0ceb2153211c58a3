"""A mirror that vanishes, lacks a file, sends other bytes or ends too early is said, and nothing of it is kept."""

import hashlib
import http.server
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import until

from sbkernel.errors import BuildError
from sbkernel.images.families import downloads as downloaded
from sbkernel.images.families.debian import download as apt_helper
from sbkernel.images.families.downloads import Bring, Downloads
from sbkernel.images.families.resolved import GoneError, Resolved
from sbkernel.images.families.rpm import download as curl
from sbkernel.jobs.report import NullReport

CONTENT = bytes(range(256)) * 40


def helper_of(kind: str, place: Path) -> tuple[Downloads, Bring]:
    if kind == "curl":
        return curl.downloads(place / "packages"), curl.by_curl({})
    (place / "apt.conf").write_text('Acquire::Retries "0";\n')
    environment = {**os.environ, "APT_CONFIG": str(place / "apt.conf")}
    return apt_helper.downloads(place / "packages"), apt_helper.by_helper(environment)


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers for any file with what a test has chosen."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        content, length = self.answer()
        if not content:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True
        return None

    def answer(self) -> tuple[bytes, int]:
        return CONTENT, len(CONTENT)


@contextmanager
def mirror(fault: str) -> Iterator[str]:
    """Yield the address of a mirror with a fault."""
    answers = {
        "lacks it": (b"", 0), "other bytes": (CONTENT[:-1] + b"!", len(CONTENT)),
        "ends early": (CONTENT[:5000], len(CONTENT)),
    }  # fmt: skip
    handler = type("Faulty", (Mirror,), {"answer": lambda _: answers.get(fault, (CONTENT, len(CONTENT)))})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/own-tool.deb"
        if fault == "is gone":
            server.server_close()
            yield address
            return
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield address
        server.shutdown()


def wanted(address: str) -> Resolved:
    return Resolved("own-tool", "1.0", "all", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), address)


@pytest.mark.parametrize("kind", ["apt", "curl"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("is gone", r"(?i)could not connect|couldn't connect|failed to connect|refused"),
        ("lacks it", "404"),
        ("other bytes", r"Hash Sum mismatch|exactly the package"),
        ("ends early", r"(?i)closed|remaining|Undetermined Error"),
    ],
)
def test_it_is_said_and_nothing_is_kept(kind: str, fault: str, says: str, tmp_path: Path) -> None:
    downloads, bring = helper_of(kind, tmp_path)
    with mirror(fault) as address, pytest.raises(GoneError, match=says) as caught:
        downloads.fetch([wanted(address)], bring, NullReport())
    assert "exactly the package that was resolved: own-tool=1.0" in caught.value.message
    assert "or cannot be reached" in str(caught.value.hint)
    assert [path.name for path in (tmp_path / "packages").iterdir()] == [".turn"]
    with mirror("") as address:
        downloads.fetch([wanted(address)], bring, NullReport())
    assert downloads.path(wanted(address)).read_bytes() == CONTENT


def test_a_package_that_is_damaged_in_the_cache_is_one_that_is_missing(tmp_path: Path) -> None:
    downloads, bring = helper_of("curl", tmp_path)
    with mirror("") as address:
        downloads.fetch([wanted(address)], bring, NullReport())
    downloads.path(wanted(address)).write_bytes(CONTENT[:-1])
    assert downloads.missing([wanted(address)]) == [wanted(address)]
    with pytest.raises(BuildError, match=r"own-tool=1\.0"):
        downloads.fetch([wanted(address)], bring, NullReport())


def test_a_package_is_read_again_only_after_it_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads, bring = helper_of("curl", tmp_path)
    with mirror("") as address:
        package = wanted(address)
        file = downloads.path(package)
        file.parent.mkdir()
        file.write_bytes(CONTENT)
        until(lambda: time.time_ns() - file.stat().st_ctime_ns > 10**8)
        downloads.fetch([package], bring, NullReport())
        read = []
        monkeypatch.setattr(downloaded, "is_exactly", lambda path, _: read.append(path) or False)
        downloads.fetch([package], bring, NullReport())
        assert read == []
        monkeypatch.undo()
        before = file.stat()
        file.write_bytes(CONTENT[:-1] + b"!")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        downloads.fetch([package], bring, NullReport())
    assert file.read_bytes() == CONTENT
