"""dnf or zypper, and rpm, as a package manager: what an image asks, resolves, fetches and installs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError
from sbkernel.images.families import security
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.package_manager import KnownBefore, PackagePass, Survey, UnknownPackagesError
from sbkernel.images.families.passes import removed_with
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import Base, Change, Resolution, Resolved
from sbkernel.images.families.rpm import canonical, install, network, over, records, repofiles, signatures
from sbkernel.images.families.rpm.change import change_tree, why_clean
from sbkernel.images.families.rpm.database import macros
from sbkernel.images.families.rpm.download import by_curl
from sbkernel.images.families.rpm.question import Question
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.repositories import Repositories, real_url
from sbkernel.images.families.rpm.repository import refuse_untrusted, with_login, write_index
from sbkernel.images.families.rpm.solver import Answer, Solver, script
from sbkernel.images.families.rpm.zypper import ZypperSolver
from sbkernel.images.layers.over import Linking
from sbkernel.jobs.report import Report
from sbkernel.packages.readers.rpm.query import RPM


@dataclass(frozen=True)
class RpmManager:
    """dnf, or zypper, for the repositories of one image."""

    osvers: str
    release: RpmRelease
    repositories: Repositories
    question: Question
    solver: Solver | ZypperSolver
    downloads: Downloads
    base: Base | None = None
    """The tree that the packages come on top of; None: they fill one."""

    @property
    def about(self) -> str:
        """Return release, architecture and the number of repositories."""
        number = f"{len(self.repositories.all)} repositor" + ("y" if len(self.repositories.all) == 1 else "ies")
        return f"{self.osvers} {self.release.architecture}, {number}"

    @property
    def asked(self) -> Sequence[str]:
        """Return the packages and groups that the lists ask for."""
        return self.question.names

    @property
    def passes(self) -> Sequence[PackagePass]:
        """Return the passes of the lists."""
        return self.question.lists.passes

    @property
    def reads(self) -> Sequence[Path]:
        """Return the keys of the repositories."""
        return [key for one in self.repositories.all for key in one.keys]

    def check_sources(self, report: Report) -> bool:
        """Read the indexes anew; tell whether those from the last time have to do."""
        refuse_untrusted(self.repositories.all)
        gone = self.repositories.refresh(report)
        return self.solver.read(report) or gone

    def resolve(self, report: Report) -> Resolution:
        """Return exactly the packages that the lists mean now; no package is there unless something asks for it."""
        refuse_untrusted(self.repositories.all)
        answer = self._solve(report)
        if answer.unknown:
            raise UnknownPackagesError(answer.unknown)
        if not answer.rows and self.base is None:
            raise BuildError(
                "the lists ask for no package", hint="name packages or groups such as @core in the pkglist"
            )
        packages = tuple(sorted(map(records.resolved, answer.rows)))
        return Resolution(packages, answer.offline, tuple(one for one in packages if one.name in self._gone(answer)))

    def _solve(self, report: Report, *, explain: bool = False) -> Answer:
        gone = self.repositories.refresh(report)
        answer = self.solver.solve(self.question, report, explain=explain)
        rows = [{**row, "uri": real_url(row["uri"], self.repositories.indexes)} for row in answer.rows]
        return answer._replace(rows=rows, offline=answer.offline or gone)

    def _gone(self, answer: Answer) -> Sequence[str]:
        """Return the names of those that leave the tree at the end."""
        if not self.question.removed:
            return ()
        needs = {row["name"]: [frozenset(names) for names in row["requirements"]] for row in answer.rows}
        asked = [row["name"] for row in answer.rows if row["reason"] == "user"]
        return removed_with(self.question.removed, needs, asked, ())

    def resolve_security(self, installed: Mapping[str, str], report: Report) -> Resolution:
        """Resolve, and keep every package at its version of which no advisory of type security has a newer one."""
        refuse_untrusted(self.repositories.all)
        self.repositories.refresh(report)
        others = [name for name in installed if name not in self.question.sources]
        advised = self.solver.advised(others, self.question, report)
        silent = [f"{one.name} ({shown(one.url)})" for one in self.repositories.all if one.name in advised.silent]
        if len(silent) == len(self.repositories.all):
            raise security.nothing_told(silent, "has advisories (updateinfo)")
        free = {name: installed[name] for name in others if name not in advised.by_lists}
        versions = security.wanted(RPM, free, advised.fixed, advised.offered)
        held = replace(self, question=replace(self.question, shut_out=_others(versions, advised.offered)))
        found = held.resolve(report)
        security.refuse_strays(found.packages, versions)
        untold = [f"{one} has no advisories (updateinfo)" for one in silent]
        chosen = {one.name: one.version for one in found.packages if one.name in versions}
        missing = security.out_of_reach(RPM, chosen, advised.fixed)
        untold += [f"{one}: an advisory names it for security, and no repository has it" for one in missing]
        return replace(found, untold=tuple(untold))

    def survey(self, report: Report) -> Survey:
        """Resolve what the repositories have, and say what each package weighs and needs."""
        answer = self._solve(report, explain=True)
        rows = [row for row in answer.rows if row["name"] not in self._gone(answer)]
        by_group = [row["name"] for row in rows if row["reason"] in records.ASKED]
        found = [records.candidate(row) for row in rows]
        return Survey(found, [*self.question.names, *by_group], answer.unknown, answer.offline)

    def known_before(self, report: Report) -> KnownBefore | None:
        """Say which names the indexes of the last time do not have, and what is in the packages of the others."""
        return self.solver.known_before(self.question, report)

    def inputs(self, resolution: Resolution) -> Mapping[str, Any]:
        """Return all that the tree depends on: which packages, why, from which repository; not where that is."""
        rows = ((str(one), records.row_of(one)) for one in resolution.packages)
        return {
            "version": install.VERSION,
            "macros": macros(self.release),
            "backend": self.release.backend,
            "env": [list(pair) for pair in self.question.env],
            "packages": {name: [row["sum"], row["reason"], row["repository"], row["module"]] for name, row in rows},
            "keys": {one.name: [_sha256(key) for key in one.keys] for one in self.repositories.all if one.check},
            "scripts": [_sha256(one) for one in (script("install.py"), *canonical.SCRIPTS)],
            **({"passes": self._passes(resolution)} if len(self.passes) > 1 else {}),
            **({"removed": [one.name for one in resolution.removed]} if resolution.removed else {}),
            **({"base": self.base.digest} if self.base else {}),
        }

    def _passes(self, resolution: Resolution) -> Sequence[Any]:
        """Return environment and packages of each pass."""
        passes = [(dict(one.env), [str(two) for two in resolution.packages if records.pass_of(two) == number])
                  for number, one in enumerate(self.passes)]  # fmt: skip
        return [[env, packages] for env, packages in passes]

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Fetch the packages by address and sha256, and check who has signed them where a repository has keys."""
        packages = [replace(one, uri=with_login(one.uri, self.repositories.all)) for one in resolution.packages]
        self.downloads.fetch(packages, by_curl(network.settings()), report)
        for repository in (one for one in self.repositories.all if one.check):
            mine = (one for one in resolution.packages if one.repository == repository.name)
            if files := {self.downloads.path(one): str(one) for one in mine}:
                signatures.check(repository, files)

    def write_mirror(self, directory: Path, files: Mapping[str, Resolved]) -> None:
        """Write the index of a directory with exactly these packages."""
        write_index(directory, directory, only=list(files))

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Install exactly these packages, or fail."""
        environments = [dict(one.env) for one in self.passes] if len(self.passes) > 1 else [dict(self.question.env)]
        return install.install(resolution, self.downloads, self.release, environments, tree, report, self.base)

    def shared(self, resolution: Resolution) -> Mapping[str, Any] | None:
        """Return all inputs but the packages of the last pass; None over a tree, or where packages leave at the end.

        Reasons, repositories and modules are only recorded, and all records are written anew.
        """
        inputs = self.inputs(resolution)
        others = {name: value for name, value in inputs.items() if name not in ("packages", "passes", "keys")}
        *earlier, last = inputs.get("passes", [[[], []]])
        return None if resolution.removed or self.base else {**others, "earlier": earlier, "last": last[0]}

    def why_clean(self, change: Change, resolution: Resolution, base: Path) -> str:
        """Say what of the packages that come or leave stands against a change."""
        return why_clean(change, resolution, self.release, base, self.downloads)

    def change(
        self,
        change: Change,
        resolution: Resolution,
        base: Path,
        tree: Path,
        report: Report,
        linking: Linking | None = None,
    ) -> Mapping[str, Any]:
        """Let rpm of this host change these packages, or fail."""
        return change_tree(change, resolution, self.downloads, self.release, base, tree, report, linking)

    def over(self, base: Base) -> RpmManager:
        """Return the same for a tree that is there."""
        over.check(base, self.release)
        assert isinstance(self.solver, Solver)  # noqa: S101 - those of zypper were refused
        return replace(self, base=base, solver=replace(self.solver, over=base))

    def laid(self) -> Mapping[str, bytes]:
        """Return the repositories that nodes can reach, with their keys."""
        return repofiles.laid(self.repositories.all, self.release.records)

    def laid_if_missing(self) -> Mapping[str, bytes]:
        """Return nothing: what is laid is named as no package's file is."""
        return {}

    def configure_script(self) -> bytes:
        """Return the script that removes what the build needed, and turns other repositories off."""
        return (resources.templates() / "families" / "rpm" / "configure.sh").read_bytes()


def _others(versions: Mapping[str, str], offered: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what else is offered of packages that are offered in the version that they shall have."""
    known = {name: offered.get(name, ()) for name, version in versions.items() if version in offered.get(name, ())}
    return {name: [one for one in found if one != versions[name]] for name, found in known.items() if len(found) > 1}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
