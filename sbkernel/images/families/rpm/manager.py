"""dnf as a package manager, as far as it goes today: it resolves lists; it cannot build a tree yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import Resolution, Survey
from sbkernel.images.families.rpm import solver
from sbkernel.images.families.rpm.sources import Question
from sbkernel.jobs.report import Report


@dataclass(frozen=True)
class DnfManager:
    """dnf for the repositories of one image."""

    osvers: str
    question: Question
    cache: Path

    @property
    def about(self) -> str:
        """Return release, architecture and the number of repositories."""
        number = f"{len(self.question.repos)} repositor" + ("y" if len(self.question.repos) == 1 else "ies")
        return f"{self.osvers} {self.question.arch}, {number}"

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the packages that the lists ask for."""
        return self.question.names

    def survey(self, report: Report) -> Survey:
        """Resolve what the repositories have, and say what each package weighs and needs."""
        answer = solver.solve(self.cache, self.question, report)
        return Survey(answer.candidates, [*self.question.names, *answer.asked], answer.unknown)

    def _not_yet(self) -> NoReturn:
        raise BuildError(f"images of {self.osvers} cannot be built yet", hint="debian11, debian12, debian13 can")

    def check_sources(self, report: Report) -> bool:  # noqa: ARG002
        """Raise BuildError."""
        self._not_yet()

    def resolve(self, report: Report) -> Resolution:  # noqa: ARG002
        """Raise BuildError."""
        self._not_yet()

    def inputs(self, resolution: Resolution) -> Any:  # noqa: ARG002
        """Raise BuildError."""
        self._not_yet()

    def fetch(self, resolution: Resolution, report: Report) -> None:  # noqa: ARG002
        """Raise BuildError."""
        self._not_yet()

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:  # noqa: ARG002
        """Raise BuildError."""
        self._not_yet()

    def laid(self) -> Mapping[str, bytes]:
        """Raise BuildError."""
        self._not_yet()

    def laid_if_missing(self) -> Mapping[str, bytes]:
        """Raise BuildError."""
        self._not_yet()

    def configure_script(self) -> bytes:
        """Raise BuildError."""
        self._not_yet()
