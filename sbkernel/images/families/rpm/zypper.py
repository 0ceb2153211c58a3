"""Ask zypper what lists would install: it decides, on indexes that dnf has fetched and from which it says the rest.

One program reaches mirrors, and who is asked for what by which key is the same for all rpm distributions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, made, point, write_if_changed
from sbkernel.images.families.package_manager import KnownBefore
from sbkernel.images.families.rpm.question import Question
from sbkernel.images.families.rpm.remarks import PATTERN
from sbkernel.images.families.rpm.solver import Advised, Answer, Solver, further
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

_UNKNOWN = re.compile(r"No provider of '(.+)' found\.")
_CONF = "[main]\narch = {arch}\nsolver.onlyRequires = true\n"
_REPO = "[{name}]\nname={name}\nbaseurl=file://{place}\nenabled=1\nautorefresh=0\ngpgcheck=0\ntype=rpm-md\npriority={rank}\n"
_REPOMD = (
    '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>{sum}</revision><data type="primary">'
    '<checksum type="sha256">{sum}</checksum><location href="repodata/{file}"/></data></repomd>\n'
)
_LOCK = "type: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: {name}\n{version}\n"


class ZypperSaid(NamedTuple):
    """What zypper has written: the packages as name, version and architecture, and names that it does not know."""

    chosen: Sequence[tuple[str, str, str]]
    unknown: Sequence[str]
    problem: str


@dataclass(frozen=True)
class ZypperSolver:
    """zypper's own state for one release and its repositories, beside that of dnf."""

    dnf: Solver

    def read(self, report: Report) -> bool:
        """Read the indexes anew, as dnf does."""
        return self.dnf.read(report)

    def solve(self, question: Question, report: Report, *, explain: bool = False) -> Answer:
        """Return what zypper would install; raises as Solver.solve does."""
        index = self.dnf.index(report)
        specs = {_spec(name, question.sources.get(name, ())): name for name in question.names}
        unknown: list[str] = []
        with in_turn(self.root / ".turn"):
            self._lay_out(index.primary, question.left_out, question.shut_out)
            while True:
                said = self._ask([spec for spec in specs if spec not in unknown])
                if not set(said.unknown).intersection(specs).difference(unknown):
                    break
                unknown = [spec for spec in specs if spec in {*unknown, *said.unknown}]
        problems = [*filter(None, [said.problem]), *(f"No provider of '{one}' found." for one in said.unknown)]
        if problems:
            raise BuildError("the packages cannot be installed together:\n" + "\n".join(problems))
        known = [_spec(name) for spec, name in specs.items() if spec not in unknown]
        more = {**further(question, explain), "sources": question.sources}
        answer = self.dnf.describe(said.chosen, known, [specs[spec] for spec in unknown], report, more)
        elsewhere = _elsewhere(answer, question)
        return answer._replace(unknown={**answer.unknown, **{name: [] for name in elsewhere}}, offline=index.offline)

    def advised(self, names: Sequence[str], question: Question, report: Report) -> Advised:
        """Return what the repositories say now of packages with these names; their advisories are read by dnf."""
        return self.dnf.advised(names, question, report)

    def known_before(self, question: Question, report: Report) -> KnownBefore | None:
        """Say what the indexes as they were read last say of the names; None when there are none."""
        return self.dnf.look_up({_spec(name): name for name in question.names}, report)

    @property
    def root(self) -> Path:
        """Return the directory that zypper takes for a system."""
        return self.dnf.directory / "zypp"

    def _lay_out(
        self, primary: Mapping[str, str], left_out: Iterable[str], shut_out: Mapping[str, Sequence[str]]
    ) -> None:
        """Write configuration and repositories; zypper reads anew those whose index has changed."""
        write_if_changed(self.root / "zypp.conf", _CONF.format(arch=self.dnf.release.architecture))
        write_if_changed(self.root / ".rpmmacros", "%_dbpath /var/lib/rpm\n")
        locks = [_LOCK.format(name=name, version="") for name in left_out]
        locks += [
            _LOCK.format(name=name, version=f"version: == {version}\n")
            for name, versions in shut_out.items()
            for version in versions
        ]
        write_if_changed(self.root / "etc/zypp/locks", "".join(locks))
        changed = []
        for rank, (name, file) in enumerate(primary.items(), start=1):
            place = self.root / "repositories" / name
            point(made(place / "repodata") / Path(file).name, Path(file))
            total = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            repo = _REPO.format(name=name, place=quote(str(place)), rank=min(rank, 99))
            new = write_if_changed(self.root / f"etc/zypp/repos.d/{name}.repo", repo)
            index = _REPOMD.format(sum=total, file=Path(file).name)
            if write_if_changed(place / "repodata/repomd.xml", index) or new:
                changed.append(name)
        if changed:
            self._zypper(["refresh", "--force", *changed])

    def _ask(self, specs: Sequence[str]) -> ZypperSaid:
        if not specs:
            return ZypperSaid([], [], "")
        options = ["--dry-run", "--no-recommends", "--details"]
        return read(self._zypper(["--no-refresh", "install", *options, "--", *specs], check=False))

    def _zypper(self, words: Sequence[str], *, check: bool = True) -> str:
        options = ["--root", str(self.root), "--non-interactive", "--no-gpg-checks", "--xmlout"]
        env = {"HOME": str(self.root), "ZYPP_CONF": str(self.root / "zypp.conf")}
        lines: list[str] = []
        done = run(["zypper", *options, *words], env=env, check=False, on_line=lines.append, isolated=True)
        if (check and done.returncode) or not done.stdout.startswith("<?xml"):
            said = "\n".join(lines[-20:])
            raise BuildError(f"zypper cannot be asked:\n{said}", hint="an ordinary user needs namespaces for it, too")
        return done.stdout


def _elsewhere(answer: Answer, question: Question) -> list[str]:
    """Return the names for which zypper has looked further than in the repositories that they shall come from."""
    sources = {row["name"]: row["repository"] for row in answer.rows}
    return [name for name, known in question.sources.items() if sources.get(name, known[0]) not in known]


def read(output: str) -> ZypperSaid:
    """Return what `zypper --xmlout install` wrote."""
    tree = ElementTree.fromstring(output)  # noqa: S314
    errors = [one.text or "" for one in tree.iter("message") if one.get("type") == "error"]
    unknown = [match[1] for match in map(_UNKNOWN.fullmatch, errors) if match]
    problems = [one.text or "" for one in tree.iter("description") if (one.text or "").startswith("Problem:")]
    others = [text for text in errors if not _UNKNOWN.fullmatch(text)]
    chosen = [
        (one.get("name", ""), one.get("edition", ""), one.get("arch", ""))
        for summary in tree.iter("to-install")
        for one in summary.iter("solvable")
        if one.get("type") == "package"
    ]
    return ZypperSaid(chosen, unknown, "\n".join([*problems, *others]).strip())


def _spec(name: str, sources: Sequence[str] = ()) -> str:
    """Return how zypper spells a name: a pattern is what its package says that it provides."""
    mark = next((one for one in ("@", PATTERN) if name.startswith(one)), "")
    if mark:
        return f"pattern() = {name.removeprefix(mark).strip()}"
    return f"{sources[0]}:{name}" if sources else name
