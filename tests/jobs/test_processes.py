"""Processes that are found in /proc, whatever they are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sbkernel.jobs.processes import children, start_ticks


@pytest.mark.parametrize("name", [b"\xff\xfe", b") S 1 1 (", "schläft länger".encode()])
def test_the_name_of_a_process_may_be_any_bytes(tmp_path: Path, name: bytes) -> None:
    program = tmp_path / os.fsdecode(name)
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([program, "300"]) as sleeping:
        try:
            assert sleeping.pid in children(os.getpid()) and start_ticks(sleeping.pid)
        finally:
            sleeping.kill()
