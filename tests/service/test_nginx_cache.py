"""A real nginx on a service node, in front of a real service that goes away and comes back."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from waiting import until

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.netboot import bootlog
from sbkernel.netboot.discovery import discovered
from sbkernel.service.client import Service
from sbkernel.site import Site

ROOT = os.urandom(9_000_000)
IMAGE = f"catalog/{'ab' * 32}/root.squashfs"


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)


@pytest.fixture
def filled(site: Site, service: Service) -> Site:
    for name, content in {IMAGE: ROOT, f"{Path(IMAGE).parent}/kernel": b"kernel"}.items():
        (site.root / name).parent.mkdir(parents=True, exist_ok=True)
        (site.root / name).write_bytes(content)
    (site.root / "copy/catalog").mkdir(parents=True)
    (site.root / "copy/catalog/only-here").write_text("local")
    (site.root / "copy/catalog/.part").write_text("half")
    (site.boot / "nodes").mkdir(parents=True)
    (site.boot / "nodes/n1.ipxe").write_text("first")
    (site.boot / ".hidden").write_text("no")
    site.set("node", "n1", groups="all")
    service.ensure()
    return site


Get = Callable[..., tuple[int, bytes]]


@pytest.fixture
def front(filled: Site, tmp_path: Path) -> Iterator[Get]:
    """A function that asks nginx: GET or POST of a path, with headers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = sb(
        filled, "service", "nginx", "--server", f"127.0.0.1:{filled.http_port}", "--port", str(port),
        "--cache", str(tmp_path / "cache"), "--size", "1g", "--files", str(filled.root / "copy"),
    )  # fmt: skip
    conf = tmp_path / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off; user root; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{done.stdout}}}\n"
    )
    nginx = subprocess.Popen(["nginx", "-c", conf, "-e", tmp_path / "error.log"])

    def ask(path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def is_up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(is_up, unless=lambda: nginx.poll() is not None, seen=lambda: (tmp_path / "error.log").read_text())
    yield ask
    nginx.terminate()
    nginx.wait()


def test_files_and_ranges_come_as_from_the_service(front: Get) -> None:
    assert front(IMAGE) == (200, ROOT)
    assert front(IMAGE, Range="bytes=4194000-8389000") == (206, ROOT[4194000:8389001])
    assert front(IMAGE, Range="bytes=8999000-") == (206, ROOT[8999000:])
    assert front("boot/nodes/n1.ipxe") == (200, b"first")
    assert front("catalog/only-here") == (200, b"local")
    for path in ("", "site.db", "catalog/../site.db", "boot/.hidden", "catalog/none", "catalog/.part", "boot/nodes/"):
        assert front(path)[0] in (400, 403, 404), path


def test_a_range_does_not_fetch_the_whole(front: Get, tmp_path: Path) -> None:
    assert front(IMAGE, Range="bytes=0-99") == (206, ROOT[:100])
    kept = sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file())
    assert kept < 5_000_000


def test_posts_and_unknown_machines_are_passed_on(filled: Site, front: Get) -> None:
    body = urllib.parse.urlencode({"node": "n1", "stage": "initrd", "uptime": "2.5"}).encode()
    assert front("status", body)[0] == 200
    assert [event["stage"] for event in bootlog.read(filled, "n1")] == ["initrd"]
    assert front("status", b"node=nobody&stage=initrd")[0] == 400
    assert front("status", b"x" * 20_000)[0] == 413
    assert front("discovery?mac=52-54-00-00-00-99&tries=1") == (200, b"#!ipxe\nset most:int32 60\n")
    until(lambda: [one.mac for one in discovered(filled)] == ["52:54:00:00:00:99"])


def test_what_was_fetched_is_served_while_the_service_is_away(filled: Site, front: Get, service: Service) -> None:
    assert front(IMAGE) == (200, ROOT)
    assert front("boot/nodes/n1.ipxe") == (200, b"first")
    service.stop()
    assert front(IMAGE) == (200, ROOT)
    assert front(IMAGE, Range="bytes=5000000-5000009") == (206, ROOT[5000000:5000010])
    assert front("boot/nodes/n1.ipxe") == (200, b"first")
    assert front(f"{Path(IMAGE).parent}/kernel")[0] == 502
    assert front("status", b"node=n1&stage=initrd")[0] == 502
    (filled.boot / "nodes/n1.ipxe").write_text("second")
    service.ensure()
    until(lambda: front("boot/nodes/n1.ipxe") == (200, b"second"))
    (filled.boot / "nodes/n1.ipxe").unlink()
    until(lambda: front("boot/nodes/n1.ipxe")[0] == 404)
    service.stop()
    assert front("boot/nodes/n1.ipxe")[0] in (404, 502), "what is set to nothing does not come back"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--server", "a b:80"), ("--server", "x;}"), ("--server", "host"), ("--cache", "relative"),
        ("--cache", "/a;b"), ("--size", "much"), ("--files", '/x"y'), ("--port", "0"),
    ],
)  # fmt: skip
def test_what_nginx_would_read_otherwise_is_refused(site: Site, option: str, value: str) -> None:
    words = ["service", "nginx", "--server", "10.0.0.1:8080", option, value]
    assert "Invalid value" in sb(site, *words).stderr or sb(site, *words).exception is not None


def test_without_an_address_it_says_what_to_set(site: Site) -> None:
    assert "sb chdef -t site master=ADDRESS" in str(sb(site, "service", "nginx").exception)
    site.set("site", "clustersite", master="10.0.0.1", httpport="8080")
    assert "server 10.0.0.1:8080;" in sb(site, "service", "nginx").stdout
