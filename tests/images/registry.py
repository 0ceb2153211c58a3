"""A container registry on loopback, without TLS, which asks for a login."""

import base64
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import until

USER, PASSWORD = "builder", "sesame"
_HASH = "$2y$04$ISdyp.C2hPP777T8T/ktke78Lb0KWAExzcFePuDbPIph1vG4NjN46"
_CONFIGURATION = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {place}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: test, path: {place}/htpasswd}}}}
"""


@contextmanager
def registry(place: Path) -> Iterator[str]:
    """Run one; yield its host and port."""
    place.mkdir()
    (place / "htpasswd").write_text(f"{USER}:{_HASH}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (place / "config.yml").write_text(_CONFIGURATION.format(place=place, port=port))
    process = subprocess.Popen(
        ["docker-registry", "serve", place / "config.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        until(lambda: _answers(port), unless=lambda: process.poll() is not None)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def login(file: Path, host: str) -> Path:
    """Write the auth file that skopeo login writes."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return file


def push(host: str, auth: Path, reference: str, name: str) -> None:
    argv = ["skopeo", "copy", "--dest-tls-verify=false", "--dest-authfile", auth, reference, f"docker://{host}/{name}"]
    subprocess.run(argv, check=True, capture_output=True)


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
