"""Ask dnf what a list would install: its own solver, in its own Python, with nothing of this host's packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError, ToolMissingError
from sbkernel.files import in_turn
from sbkernel.images.families.package_manager import Candidate
from sbkernel.images.families.rpm.sources import Question
from sbkernel.images.plan import digest_of
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages.package import Package
from sbkernel.packages.readers.rpm.query import RPM, source_of


class Answer(NamedTuple):
    """What dnf said: the packages, the names that were asked for, and unknown names with names like them."""

    candidates: list[Candidate]
    asked: list[str]
    unknown: dict[str, list[str]]


def solve(cache: Path, question: Question, report: Report) -> Answer:
    """Return what dnf would install; BuildError when it cannot be solved or the repositories cannot be read."""
    place = cache / digest_of([question.release, question.arch, list(question.repos)])[:16]
    (place / "root").mkdir(parents=True, exist_ok=True)
    asked = json.dumps(question.as_dict(place / "root", place / "cache"))
    script = resources.templates() / "families" / "rpm" / "solve.py"
    with in_turn(place / ".turn"):
        try:
            done = run([interpreter(), "-I", script], input=asked, on_line=report.log)
        except CommandError as error:
            raise BuildError(f"dnf cannot read the repositories:\n{_last_line(error.tail)}") from error
    return _answer(json.loads(done.stdout))


def interpreter() -> str:
    """Return the Python that dnf runs with; ToolMissingError when there is no dnf, or one that is no Python program."""
    with Path(find_program("dnf")).open("rb") as file:
        first = file.readline(200)
    if not first.startswith(b"#!") or b"python" not in first:
        raise ToolMissingError("this dnf has no Python library", hint="install dnf 4 (python3-dnf)")
    return first[2:].decode().split()[0]


def _last_line(tail: str) -> str:
    return next((line for line in reversed(tail.splitlines()) if line.strip()), "")


def _answer(data: Mapping[str, Any]) -> Answer:
    if data["conflict"]:
        raise BuildError(f"the packages cannot be installed together:\n{data['conflict']}")
    rows: list[dict[str, Any]] = data["install"]
    return Answer([_candidate(row) for row in rows], [row["name"] for row in rows if row["asked"]], data["unknown"])


def _candidate(row: Mapping[str, Any]) -> Candidate:
    source, source_version = source_of(row["source"])
    package = Package(
        name=row["name"],
        version=row["version"],
        arch=row["arch"],
        family=RPM,
        size_bytes=int(row["size"]),
        source=source,
        source_version=source_version,
        section=row["section"],
        licence=row["licence"],
        homepage=row["homepage"],
        summary=row["summary"],
    )
    return Candidate(package, int(row["download"]), tuple(row["needs"]))
