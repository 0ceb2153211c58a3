"""What the tests of jobs share: a site whose jobs find the targets of the tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.jobs.job import listing
from sbkernel.site import Site

HERE = Path(__file__).resolve().parent


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{HERE.parents[1]}")
    with Site.open(tmp_path / "site") as opened:
        yield opened
        for job in listing(opened):  # of a test that failed
            job.kill()
