"""Who asked for what: told to jobs, and to nothing that they start."""

import json

import pytest

from sbkernel.jobs import job as jobs
from sbkernel.jobs import origin
from sbkernel.jobs.programs import versions
from sbkernel.jobs.run import run
from sbkernel.site import Site

GIVEN = {"path": "2026/11/x-build", "run": "ab12", "notebook": "build.ipynb"}


def test_a_job_knows_itself_and_the_record_in_which_it_was_started(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert origin.current().as_dict() == {}
    monkeypatch.setenv(origin.RECORD, json.dumps(GIVEN))
    job = jobs.start(site, "tell", "job_targets:origin").wait()
    assert job.result == {"job": job.id, "record": GIVEN, "inherited": ""}
    assert set(origin.signed()) == {"t", "by", "host", "record"}


def test_programs_get_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(origin.RECORD, json.dumps(GIVEN))
    assert origin.RECORD not in run(["env"]).stdout


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"path": 3, "odd": "x"}'])
def test_what_is_no_record_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(origin.RECORD, text)
    assert origin.current().record == {}


def test_a_notebook_that_is_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/anna/build.ipynb")
    assert origin.current().record == {"notebook": "/home/anna/build.ipynb"}


def test_versions_of_programs(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    found = versions(["rpm", "mksquashfs", "no-such-program"])
    assert set(found) == {"rpm", "mksquashfs"} and all(version[0].isdigit() for version in found.values())
    assert versions([]) == {}
    (tmp_path / "own-program").write_text("#!/bin/sh\n")
    (tmp_path / "own-program").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert versions(["own-program"]) == {"own-program": str(tmp_path / "own-program")}
