"""A virtual node through the service: powered, watched, and gone with a service that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from sbkernel.nodes.mkvm import mkvm
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site

pytestmark = pytest.mark.e2e


def processes_of(site: Site) -> list[str]:
    """Return the command lines of all processes that name the site or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = str((entry / "cwd").readlink())
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(site.root) in words + where:
                found.append(words)
    return found


def test_a_killed_service_leaves_nothing_and_comes_back(site: Site, service: Service) -> None:
    mkvm(site, "vn1")
    assert verbs.rpower(site, "vn1", "on")[0].text == "on"
    watch = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "rcons", "vn1"]
    seen = subprocess.run([*watch, "--until", "iPXE", "--for", "60"], capture_output=True, timeout=90)
    assert (seen.returncode, b"iPXE" in seen.stdout) == (0, True)
    assert any("qemu-system" in words for words in processes_of(site))
    status = service.status()
    assert status is not None
    os.kill(status["pid"], signal.SIGKILL)
    until(lambda: processes_of(site) == [])
    assert verbs.rpower(site, "vn1", "stat")[0].text == "off"
    assert verbs.rpower(site, "vn1", "boot")[0].text == "on"
    service.stop()
    until(lambda: processes_of(site) == [])
