"""kill -9 in the middle of mkdef of 10,000 nodes: all of them are there, or none."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbkernel.definitions.stanza import Stanza, render
from sbkernel.site import Site

COUNT = 10_000
NODES = [Stanza("node", f"n{number:05d}", {"groups": "all,compute", "mgt": "ipmi"}) for number in range(COUNT)]


def mkdef(where: Path, file: Path) -> "subprocess.Popen[bytes]":
    with file.open("rb") as text:
        words = [sys.executable, "-m", "sbkernel.cli", "--site", str(where), "mkdef", "-z"]
        return subprocess.Popen(words, stdin=text, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_all_or_nothing(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "postgresql":
        monkeypatch.setenv("SBKERNEL_DB", request.getfixturevalue("postgres").url)
    where, file = tmp_path / "site", tmp_path / "nodes.stanza"
    file.write_text(render(NODES))
    with Site.open(where) as site:
        changes = len(site.store.changes())
        began = time.monotonic()
        assert mkdef(where, file).wait(120) == 0
        whole_s = time.monotonic() - began
        for part in (0.5, 0.7, 0.8, 0.9, 0.95):
            _remove_all(site)
            process = mkdef(where, file)
            time.sleep(whole_s * part)
            process.send_signal(signal.SIGKILL)
            process.wait()
            with site.store.write("wait until a server has noticed"):
                names = site.store.names("node")
            grouped = len(site.store.members("compute"))
            assert (len(names), grouped) in ((0, 0), (COUNT, COUNT)), part
        assert len(site.store.changes()) > changes


def _remove_all(site: Site) -> None:
    with site.store.write("clear") as transaction:
        for name in transaction.names("node"):
            transaction.delete("node", name)
