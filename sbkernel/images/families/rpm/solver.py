"""Ask dnf what lists would install: its own solver, in its own Python, with nothing of this host's packages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError, ToolMissingError
from sbkernel.files import in_turn, made
from sbkernel.images.families.package_manager import KnownBefore
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import Base
from sbkernel.images.families.rpm import network
from sbkernel.images.families.rpm.over import readable_root
from sbkernel.images.families.rpm.question import Question
from sbkernel.images.families.rpm.records import Row
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.repository import Repository
from sbkernel.images.plan import digest_of
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run


class Answer(NamedTuple):
    """What dnf said: its packages, unknown names with names like them, and whether a repository could not be asked."""

    rows: Sequence[Row]
    unknown: dict[str, list[str]]
    offline: bool


class Index(NamedTuple):
    """The indexes as they were read: whether some are from before, and the list of packages of each repository."""

    offline: bool
    primary: Mapping[str, str]


class Advised(NamedTuple):
    """What repositories say of packages by name: versions that advisories of type security name, and those there are.

    `silent` are the repositories without advisories; `by_lists` are names of which the lists say the version.
    """

    fixed: Mapping[str, Sequence[str]]
    offered: Mapping[str, Sequence[str]]
    silent: Sequence[str]
    by_lists: Sequence[str]


Nevra = tuple[str, str, str]
"""Name, [epoch:]version-release and architecture."""


@dataclass(frozen=True)
class Solver:
    """dnf's own state for one release and its repositories, in a directory below the site's cache."""

    directory: Path
    release: RpmRelease
    repositories: tuple[Repository, ...]
    over: Base | None = None
    """The tree that the packages come on top of."""

    @classmethod
    def open(cls, cache: Path, release: RpmRelease, repositories: tuple[Repository, ...]) -> Solver:
        """Return the solver of these repositories."""
        names = [[one.name, one.url] for one in repositories]
        return cls(cache / digest_of([release.version, release.architecture, names])[:16], release, repositories)

    def read(self, report: Report) -> bool:
        """Read the indexes anew; tell whether those from the last time have to do.

        Raises BuildError when they are damaged, and when there are none from before.
        """
        return self.index(report).offline

    def index(self, report: Report) -> Index:
        """Read the indexes anew; raises as `read` does."""
        data = self._ask({"only_read": True}, report)
        return Index(data["offline"], data["primary"])

    def solve(self, question: Question, report: Report, *, explain: bool = False) -> Answer:
        """Return what dnf would install, with `explain` also who needs whom.

        Raises BuildError also when the packages exclude each other.
        """
        specs = {spec: name for name, spec in question.specs.items()}
        sources = {question.specs[name]: found for name, found in question.sources.items()}
        asked = {"names": list(specs), "left_out": question.left_out, "sources": sources, **further(question, explain)}
        asked["shut_out"] = question.shut_out
        data = self._ask(asked, report)
        if data["conflict"]:
            raise BuildError(f"the packages cannot be installed together:\n{data['conflict']}")
        unknown = {specs.get(spec, spec): near for spec, near in data["unknown"].items()}
        return Answer(data["install"], unknown, data["offline"])

    def describe(
        self,
        nevras: Sequence[Nevra],
        names: Sequence[str],
        unknown: Sequence[str],
        report: Report,
        more: Mapping[str, Any],
    ) -> Answer:
        """Return what the indexes as they were read say of these packages, and names like those that are unknown.

        `names` are what somebody has asked for; `more` is what further() returns.
        """
        asked = {"exactly": nevras, "names": names, "unknown": unknown, "anew": False, **more}
        data = self._ask(asked, report)
        return Answer(data["install"], data["unknown"], data["offline"])

    def advised(self, names: Sequence[str], question: Question, report: Report) -> Advised:
        """Return what the repositories say now of packages with these names; raises as `read` does."""
        data = self._ask({"advised": list(names), "names": list(question.specs.values())}, report)
        return Advised(*(data[key] for key in Advised._fields))

    def known_before(self, question: Question, report: Report) -> KnownBefore | None:
        """Say what the indexes as they were read last say of the names; None when there are none."""
        return self.look_up({spec: name for name, spec in question.specs.items()}, report)

    def look_up(self, names: Mapping[str, str], report: Report) -> KnownBefore | None:
        """Say what the indexes as they were read last say of `names` by what dnf calls them; None if there are none."""
        if not (self.directory / "cache").is_dir():
            return None
        data = self._ask({"look_up": list(names), "anew": False}, report)
        if data is None:
            return None
        return KnownBefore(*({names[spec]: value for spec, value in data[key].items()} for key in ("unknown", "files")))

    def _ask(self, question: Mapping[str, Any], report: Report) -> Any:
        asked = {
            "root": str(self.directory / "root"),
            "cache": str(self.directory / "cache"),
            "release": self.release.version,
            "arch": self.release.architecture,
            "platform": self.release.platform,
            "repositories": [[one.name, one.url] for one in self.repositories],
            "network": network.settings(),
            "anew": True,
            "only_read": False,
            "over": self.over is not None,
            **question,
        }
        argv = [interpreter(), "-I", str(script("solve.py"))]
        with in_turn(self.directory / ".turn"):
            (self.directory / "used").touch()  # so that the cache knows when
            for place in ("root", "cache"):
                made(self.directory / place)
            try:
                with ExitStack() as stack:
                    env = {}
                    if self.over is not None:
                        root = stack.enter_context(readable_root(self.over, self.release, self.directory))
                        asked, env = {**asked, "root": str(root)}, {"HOME": str(root)}
                    done = run(argv, env=env, input=json.dumps(asked), on_line=_log(report))
            except CommandError as error:
                raise BuildError(f"dnf cannot solve this:\n{_last_line(error.tail)}") from error
        data = json.loads(done.stdout)
        if data.get("problem") and "look_up" in question:
            return None
        if data.get("problem"):
            raise _unreadable(data["problem"], damaged=data["damaged"])
        if data["offline"]:
            report.log("the package sources cannot be reached; using the package lists from the last time")
        return data


def further(question: Question, explain: bool) -> dict[str, Any]:
    """Return what else dnf shall say of the packages: who needs whom, and in which pass each comes."""
    passes = question.passes if len(question.passes) > 1 else []
    return {"explain": explain, "requirements": bool(question.removed), "passes": passes}


def script(name: str) -> Path:
    """Return a program of ours for dnf's Python."""
    return resources.templates() / "families" / "rpm" / name


def interpreter() -> str:
    """Return the Python that dnf runs with; ToolMissingError when there is no dnf, or one that is no Python program."""
    with Path(find_program("dnf")).open("rb") as file:
        first = file.readline(200)
    if not first.startswith(b"#!") or b"python" not in first:
        raise ToolMissingError("this dnf has no Python library", hint="install dnf 4 (python3-dnf)")
    return first[2:].decode().split()[0]


def _log(report: Report) -> Any:
    """Pass on what dnf says; the answer itself is one long line of JSON."""
    return lambda line: None if line.startswith("{") else report.log(shown(line))


def _unreadable(problem: str, *, damaged: bool) -> BuildError:
    said = "cannot be trusted" if damaged else "cannot be reached"
    hint = "its index is damaged: make or copy it anew" if damaged else "check the network, or pkgdir"
    return BuildError(f"the package sources {said}: dnf cannot read the repositories:\n{shown(problem)}", hint=hint)


def _last_line(tail: str) -> str:
    return next((line for line in reversed(tail.splitlines()) if line.strip()), "")
