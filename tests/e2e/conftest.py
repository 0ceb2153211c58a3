"""A site in a directory of its own, driven by nothing but its command line, as a script would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Sb:
    """`sb --site DIR`, optionally behind other words such as `ip netns exec NAME`."""

    site: Path
    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, status: int | None = 0, timeout_s: float = 400) -> str:
        """Run a verb; return what it printed on both streams; assert how it ended."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "sbkernel.cli", "--site", str(self.site), *words],
            cwd=ROOT, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s,
        )  # fmt: skip
        assert status is None or done.returncode == status, f"sb {' '.join(words)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def attribute(self, objtype: str, name: str, key: str) -> str:
        """Return one attribute of an object."""
        found = re.search(rf"^    {key}=(.*)$", self("lsdef", "-t", objtype, "-o", name, "-i", key), re.MULTILINE)
        return found.group(1) if found else ""

    def ssh(self, node: str, command: str) -> str:
        """Run a command on a virtual node as root, with the key of the site and the host key that was reported."""
        port = self.attribute("node", node, "vmsshport")
        done = subprocess.run(
            [*self.prefix, "ssh", "-i", str(self.site / "ssh" / "id_ed25519"), "-p", port, "-o", "BatchMode=yes",
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
             "-o", "ConnectTimeout=60", "root@127.0.0.1", command],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout


@pytest.fixture(scope="session")
def sb(tmp_path_factory: pytest.TempPathFactory, layers: Path) -> Iterator[Sb]:
    """A site whose service and nodes are stopped at the end."""
    site = Sb(tmp_path_factory.mktemp("e2e") / "site")
    site.site.mkdir()
    (site.site / "cache").symlink_to(layers)
    yield site
    site("service", "stop", status=None)


@pytest.fixture(scope="session")
def first_demo(sb: Sb) -> str:
    """What the first demo on a new site printed; its node runs on."""
    return sb("demo", timeout_s=900)
