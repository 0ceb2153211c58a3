"""dnf or zypper, and rpm, as a package manager: what an image asks, resolves, fetches and installs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.package_manager import Resolution, Survey, UnknownPackagesError
from sbkernel.images.families.rpm import install, network, records, repofiles, signatures
from sbkernel.images.families.rpm.download import by_curl
from sbkernel.images.families.rpm.question import Question
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.repositories import Repository, refuse_untrusted
from sbkernel.images.families.rpm.solver import Solver, script
from sbkernel.images.families.rpm.zypper import ZypperSolver
from sbkernel.jobs.report import Report


@dataclass(frozen=True)
class RpmManager:
    """dnf, or zypper, for the repositories of one image."""

    osvers: str
    release: RpmRelease
    repositories: tuple[Repository, ...]
    question: Question
    solver: Solver | ZypperSolver
    downloads: Downloads

    @property
    def about(self) -> str:
        """Return release, architecture and the number of repositories."""
        number = f"{len(self.repositories)} repositor" + ("y" if len(self.repositories) == 1 else "ies")
        return f"{self.osvers} {self.release.architecture}, {number}"

    @property
    def asked(self) -> Sequence[str]:
        """Return the packages and groups that the lists ask for."""
        return self.question.names

    def check_sources(self, report: Report) -> bool:
        """Read the indexes anew; tell whether those from the last time have to do."""
        refuse_untrusted(self.repositories)
        return self.solver.read(report)

    def resolve(self, report: Report) -> Resolution:
        """Return exactly the packages that the lists mean now; no package is there unless something asks for it."""
        refuse_untrusted(self.repositories)
        answer = self.solver.solve(self.question, report)
        if answer.unknown:
            raise UnknownPackagesError(answer.unknown)
        if not answer.rows:
            raise BuildError(
                "the lists ask for no package", hint="name packages or groups such as @core in the pkglist"
            )
        return Resolution(tuple(sorted(map(records.resolved, answer.rows))), answer.offline)

    def survey(self, report: Report) -> Survey:
        """Resolve what the repositories have, and say what each package weighs and needs."""
        answer = self.solver.solve(self.question, report, explain=True)
        by_group = [row["name"] for row in answer.rows if row["reason"] in records.ASKED]
        found = [records.candidate(row) for row in answer.rows]
        return Survey(found, [*self.question.names, *by_group], answer.unknown, answer.offline)

    def inputs(self, resolution: Resolution) -> Mapping[str, Any]:
        """Return all that the tree depends on: which packages, why, from which repository; not where that is."""
        rows = ((str(one), records.row_of(one)) for one in resolution.packages)
        return {
            "version": install.VERSION,
            "macros": install.macros(self.release),
            "backend": self.release.backend,
            "env": [list(pair) for pair in self.question.env],
            "packages": {name: [row["sum"], row["reason"], row["repository"], row["module"]] for name, row in rows},
            "keys": {one.name: [_sha256(key) for key in one.keys] for one in self.repositories if one.check},
            "script": _sha256(script("install.py")),
        }

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Fetch the packages by address and sha256, and check who has signed them where a repository has keys."""
        self.downloads.fetch(resolution.packages, by_curl(network.settings()), report)
        for repository in (one for one in self.repositories if one.check):
            mine = (one for one in resolution.packages if one.repository == repository.name)
            if files := {self.downloads.path(one): str(one) for one in mine}:
                signatures.check(repository, files)

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Install exactly these packages, or fail."""
        packages, env = resolution.packages, dict(self.question.env)
        return install.install(packages, self.downloads, self.release, env, tree, report)

    def laid(self) -> Mapping[str, bytes]:
        """Return the repositories that nodes can reach, with their keys."""
        return repofiles.laid(self.repositories, self.release.records)

    def laid_if_missing(self) -> Mapping[str, bytes]:
        """Return nothing: what is laid is named as no package's file is."""
        return {}

    def configure_script(self) -> bytes:
        """Return the script that removes what the build needed, and turns other repositories off."""
        return (resources.templates() / "families" / "rpm" / "configure.sh").read_bytes()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
