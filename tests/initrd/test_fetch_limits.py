"""However much a server sends, the initrd takes no more than it asked for: the node has nothing but memory."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bootserver import BootServer

FETCH = Path(__file__).resolve().parents[2] / "templates" / "initrd" / "fetch.sh"
# The applets of busybox, as in the initrd, whose /tmp is a directory of the test here.
SCRIPT = """
for one in cat grep kill rm sed sleep stat tail wget; do alias "$one=busybox $one"; done
say() { echo "$*"; }
retries=1
stall_s=20
. ./fetch.sh
if fetch "$@"; then echo "whole after $tries_used"; else echo "failed after $tries_used: $problem"; fi
"""


@pytest.fixture
def server() -> Iterator[BootServer]:
    with BootServer() as running:
        yield running


def fetch(server: BootServer, place: Path, size: int, *most: int) -> str:
    script = FETCH.read_text().replace("/tmp/", f"{place}/").replace('limited "$4" wget', 'limited "$4" busybox wget')
    (place / "fetch.sh").write_text(script)
    words = [f"http://127.0.0.1:{server.port}/file", str(place / "got"), str(size), *map(str, most)]
    done = subprocess.run(
        ["busybox", "sh", "-c", SCRIPT, "sh", *words], cwd=place, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("length", [0, 5000])
def test_what_is_no_longer_than_it_may_be_is_taken(server: BootServer, tmp_path: Path, length: int) -> None:
    server.files["/file"] = b"x" * length
    assert fetch(server, tmp_path, 0, 5000) == "whole after 1"
    assert (tmp_path / "got").read_bytes() == b"x" * length


@pytest.mark.parametrize("more", [1, 50_000_000])
def test_what_is_longer_is_not_kept(server: BootServer, tmp_path: Path, more: int) -> None:
    server.files["/file"] = bytes(5000 + more)
    assert fetch(server, tmp_path, 0, 5000) == "failed after 1: more than 5000 bytes came"
    assert not (tmp_path / "got").exists()


def test_a_size_is_a_limit(server: BootServer, tmp_path: Path) -> None:
    server.files["/file"] = bytes(5_000_000)
    assert fetch(server, tmp_path, 5000) == "failed after 1: more than 5000 bytes came"
    server.files["/file"] = bytes(5000)
    assert fetch(server, tmp_path, 5000) == "whole after 1"


def test_without_either_all_is_taken(server: BootServer, tmp_path: Path) -> None:
    server.files["/file"] = bytes(5_000_000)
    assert fetch(server, tmp_path, 0) == "whole after 1"
