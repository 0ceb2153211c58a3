"""Twenty processes change one site for a while: no update is lost, and nobody is told that it is locked."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbkernel.definitions.store.journal import Entry
from sbkernel.site import Site

PROCESSES = 20
SECONDS = float(os.environ.get("SBKERNEL_HAMMER_S", "4"))
WORKER = """
import io, sys, time
from contextlib import redirect_stderr, redirect_stdout
from sbkernel.cli.main import main

where, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
ends, count = None, 0  # the clock begins when everything is imported
while ends is None or time.monotonic() < ends:
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            main(["--site", where, "chdef", "shared", "-p", f"postscripts=s{number}x{count}"])
    except SystemExit as ended:
        if ended.code or said.getvalue() != "1 object definitions have been created or modified.\\n":
            sys.exit(said.getvalue() or 1)
    count += 1
    ends = ends or time.monotonic() + seconds
print(count)
"""


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "postgresql":
        monkeypatch.setenv("SBKERNEL_DB", request.getfixturevalue("postgres").url)
    return tmp_path / "site"


@pytest.mark.parametrize("where", ["sqlite", "postgresql"], indirect=True)
def test_twenty_processes_lose_no_update(where: Path) -> None:
    with Site.open(where) as site:
        site.set("node", "shared", groups="all")
    words = [sys.executable, "-c", WORKER, str(where)]
    began = time.monotonic()
    workers = [
        subprocess.Popen([*words, str(number), str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    ended = [worker.communicate(timeout=SECONDS * 10 + 60) for worker in workers]
    assert [err for _out, err in ended if err] == []
    counts = [int(out) for out, _err in ended]
    print(f"{sum(counts)} changes by {PROCESSES} processes in {time.monotonic() - began:.1f} s, {min(counts)} at least")
    assert min(counts) > 0
    wanted = {f"s{number}x{count}" for number, most in enumerate(counts) for count in range(most)}
    with Site.open(where) as site:
        scripts = (site.store.get("node", "shared") or {})["postscripts"].split(",")
        changes = [one for one in site.store.changes("shared") if one.what == "chdef"]
        last = site.store.entries(changes[-1].id)
    assert len(scripts) == len(wanted)
    assert set(scripts) == wanted
    assert len(changes) == len(wanted)
    assert [Entry(one.objtype, one.name, None, None) for one in last] == [Entry("node", "shared", None, None)]
