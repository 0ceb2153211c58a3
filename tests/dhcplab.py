"""Three network namespaces on one bridge: ours with `br0`, the site's own DHCP server, and a machine that boots."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pxeclient
from waiting import until

MAC = "52:54:00:00:00:21"
OURS, THEIRS = "10.78.0.1", "10.78.0.2"


class Lab:
    """The namespaces; `run` starts a program in one of them and ends it at the end."""

    def __init__(self) -> None:
        self.ours, self.theirs, self.machine = (f"sb{kind}{os.getpid()}" for kind in ("o", "t", "m"))
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Lab:
        for name in (self.ours, self.theirs, self.machine):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", self.ours, "link", "add", "br0", "type", "bridge")
        ip("-n", self.ours, "link", "set", "br0", "up")
        ip("-n", self.ours, "addr", "add", f"{OURS}/24", "dev", "br0")
        for name in (self.theirs, self.machine):
            ip("-n", self.ours, "link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", self.ours, "link", "set", f"v{name}", "master", "br0", "up")
            ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", self.theirs, "addr", "add", f"{THEIRS}/24", "dev", "eth0")
        ip("-n", self.theirs, "addr", "add", "fd00:78::2/64", "dev", "eth0", "nodad")
        ip("-n", self.machine, "link", "set", "eth0", "address", MAC)
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in self._running:
            process.kill()
            process.wait()
        for name in (self.ours, self.theirs, self.machine):
            subprocess.run(["ip", "netns", "del", name], check=False)

    def run(self, namespace: str, *argv: str | Path, log: Path, until_it_says: str) -> None:
        """Start a program and wait for words in its log."""
        with log.open("w") as output:
            command = ["ip", "netns", "exec", namespace, *argv]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True)
        self._running.append(process)
        until(lambda: until_it_says in log.read_text(), seen=log.read_text, unless=lambda: process.poll() is not None)

    def site_dhcp(self, directory: Path) -> None:
        """Start the site's own DHCP server, which knows nothing of booting; it is a router, as iPXE waits for one."""
        log = directory / "theirs.log"
        self.run(
            self.theirs, "dnsmasq", "--port=0", "--keep-in-foreground", "--log-facility=-", "--user=root",
            "--conf-file=/dev/null", f"--dhcp-leasefile={directory / 'theirs.leases'}", "--interface=eth0",
            "--bind-interfaces", "--no-ping", "--dhcp-range=10.78.0.100,10.78.0.120,255.255.255.0,3600", "--enable-ra",
            "--dhcp-range=::,constructor:eth0,ra-stateless", log=log,
            until_it_says="started",
        )  # fmt: skip

    def service(self, site: Path) -> None:
        """Start the service of a site in our namespace."""
        start = [sys.executable, "-m", "sbkernel.cli", "--site", site, "service", "start"]
        subprocess.run(["ip", "netns", "exec", self.ours, *start], check=True, timeout=60)

    def boot(
        self, arch: int, *, ipxe: bool = False, servers: int = 1, tries: int = 15
    ) -> dict[str, list[dict[str, Any]]]:
        """Ask as a machine of an architecture does, and wait for so many servers (pxeclient)."""
        words = [
            sys.executable,
            pxeclient.__file__,
            "eth0",
            str(arch),
            str(servers),
            str(tries),
            *(["ipxe"] if ipxe else []),
        ]
        command = ["ip", "netns", "exec", self.machine, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        answers: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
        return answers


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def dhcp_lab() -> Iterator[Lab]:
    """Make the namespaces for a block."""
    lab = Lab()
    try:
        yield lab.__enter__()
    finally:
        lab.__exit__()
