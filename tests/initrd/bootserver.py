"""A small boot server whose faults a test can choose: files with ranges, status posts, dying in the middle."""

import hashlib
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from waiting import until

from sbkernel.netboot.commandline import NO_TIMER_CHECK


class BootServer:
    """Serves `files` on loopback and keeps what nodes asked (`requests`) and reported (`posts`)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.posts: list[dict[str, str]] = []
        self.dies_after: int | None = None
        self.stalls_after: int | None = None
        self.accepts_posts = True
        self.has_ranges = True
        self.first_post_takes_s = 0.0
        self.port = 0
        self._start()

    def _start(self) -> None:
        self._http = _Server(("127.0.0.1", self.port), _Handler)
        self._http.boot = self
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def come_back(self) -> None:
        self._start()

    def stages(self) -> list[str]:
        return [post["stage"] for post in self.posts]

    def post(self, stage: str) -> dict[str, str]:
        return next(post for post in self.posts if post["stage"] == stage)

    def wait_for_stage(self, stage: str, timeout_s: float = 90) -> dict[str, str]:
        until(lambda: stage in self.stages(), timeout_s, seen=lambda: self.posts)
        return self.post(stage)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.down()


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    boot: BootServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # GRUB takes any answer in an older version for a good one (grub-core/net/http.c).
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        boot, wanted = self.server.boot, self.headers.get("Range", "")
        boot.requests.append((self.path, wanted))
        content = boot.files.get(self.path.partition("?")[0])
        if content is None:
            return self._refuse()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(int(last or len(content)), len(content) - 1) + 1
        self.send_response(206 if wanted else 200)
        self.send_header("Accept-Ranges", "bytes" if boot.has_ranges else "none")
        self.send_header("Content-Length", str(end - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.end_headers()
        return self._send(content[start:end]) if self.command == "GET" else None

    do_HEAD = do_GET  # noqa: N815 - http.server calls it so

    def _refuse(self) -> None:
        """Answer as the service does."""
        body = b"# not found\n"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, content: bytes) -> None:
        boot = self.server.boot
        if boot.dies_after is not None:
            self.wfile.write(content[: boot.dies_after])
            boot.dies_after = None
            threading.Thread(target=boot.down).start()
        elif boot.stalls_after is not None:
            self.wfile.write(content[: boot.stalls_after])
            boot.stalls_after = None
            time.sleep(30)
        else:
            self.wfile.write(content)

    def do_POST(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if not self.server.boot.accepts_posts:
            time.sleep(30)
            return
        takes_s, self.server.boot.first_post_takes_s = self.server.boot.first_post_takes_s, 0.0
        time.sleep(takes_s)
        self.server.boot.posts.append(dict(urllib.parse.parse_qsl(body, keep_blank_values=True)))
        self.send_response(204)
        self.end_headers()


def command_line(server: BootServer, **changes: str | None) -> str:
    """Return the arguments of a kernel that boots the root of a server; keywords replace some of them."""
    content = server.files["/catalog/abc/root.squashfs"]
    host = f"10.0.2.2:{server.port}"
    arguments = {
        "console": "ttyS0",
        "NODE": "n1",
        "XCAT": host,
        "imgurl": f"http://{host}/catalog/abc/root.squashfs",
        "sbkernel.sha256": hashlib.sha256(content).hexdigest(),
        "sbkernel.size": str(len(content)),
        "sbkernel.image": "abc",
        "BOOTIF": "01-52-54-00-12-34-56",
        "sbkernel.retries": "3",
        "sbkernel.dhcptries": "1",
    }
    for name, value in changes.items():
        arguments[name.replace("__", ".")] = value
    words = [f"{name}={value}" for name, value in arguments.items() if value is not None]
    return " ".join([NO_TIMER_CHECK, *words])
