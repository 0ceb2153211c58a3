"""sb bench leaves nothing behind, however it ends, and says what it was asked for."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from sbkernel.bench.suite import BENCHMARKS
from sbkernel.bench.workspace import workspace
from sbkernel.cli.bench.bench import NAMES
from sbkernel.service.client import Service

BENCH = [sys.executable, "-m", "sbkernel.cli", "bench"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path)}


def test_the_command_line_knows_the_rows_of_the_suite() -> None:
    assert set(NAMES) == set(BENCHMARKS)


def test_startup_prints_its_row_as_json_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BENCH, "startup", "--json", "--runs", "2"], env=environment(tmp_path), capture_output=True, text=True
    )
    (row,) = json.loads(done.stdout)
    assert row["valid"], row
    assert row["ratio"] > 1
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_fails_is_reported_and_is_not_a_ratio(tmp_path: Path) -> None:
    pkglist = tmp_path / "pkglist"
    pkglist.write_text("No_Package!\n")
    words = [
        *BENCH,
        "pack",
        "startup",
        "--json",
        "--runs",
        "2",
        "--pkglist",
        str(pkglist),
        "--work",
        str(tmp_path / "work"),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    pack, startup = json.loads(done.stdout)
    assert done.returncode == 1
    assert pack["ratio"] is None
    assert f"{pkglist}:1" in pack["checks"][0]["found"]
    assert startup["valid"], "one row that fails does not end the others"
    assert (tmp_path / "work").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([*BENCH, "pack"], env=environment(tmp_path), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "building" not in process.stderr.readline():
        assert process.poll() is None
    until(lambda: list(tmp_path.glob("sbkernel-bench-*/site/cache/*")), unless=lambda: process.poll() is not None)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert list(tmp_path.glob("sbkernel-bench-*")) == []


def test_a_workspace_stops_its_service_and_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), workspace([].append) as work:
        Service(work.site).ensure()
        port = work.site.http_port
        socket.create_connection(("127.0.0.1", port)).close()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
