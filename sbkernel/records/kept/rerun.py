"""rerun: run the notebook of a record again, with its parameters or others.

Its present version runs, unless `same` asks for the one that the record ran, which is taken out of the record. That,
and a path that only the record knows, are believed of nobody but this user: the record must bear their signature.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from sbkernel.definitions.secret import HIDDEN
from sbkernel.errors import JobCancelledError, JobError, NotFoundError, RecordError
from sbkernel.jobs.report import Report
from sbkernel.packages.diff.tables import aligned
from sbkernel.records import library, parameters
from sbkernel.records.kept import facts
from sbkernel.records.kept.facts import Kept
from sbkernel.records.kept.listing import Records, records
from sbkernel.records.parameters import Parameter
from sbkernel.records.run import Record, run_notebook
from sbkernel.records.trust import is_own
from sbkernel.site import Site
from sbkernel.units import plain


@dataclass(frozen=True)
class Rerun:
    """What would run: the notebook, its parameters, and those that it gets: of the record, then those that changed.

    `changed` tells whether the notebook is another one than the record ran; `same`, that the record's own runs.
    """

    record: Kept
    notebook: Path
    declared: Mapping[str, Parameter]
    values: Mapping[str, Any]
    changed: bool
    same: bool

    def given(self, values: Mapping[str, Any]) -> Rerun:
        """Return it with other values. Raises RecordError for what the notebook does not declare or cannot take."""
        return replace(self, values={**self.values, **parameters.validate(self.declared, values)})

    @property
    def changed_values(self) -> Mapping[str, Any]:
        """Return the values that are not those of the record."""
        before = self.record.parameters
        return {name: value for name, value in self.values.items() if name not in before or before[name] != value}

    @property
    def command(self) -> str:
        """Return what to type for it."""
        changed = self.changed_values
        words = ["sb", "records", "rerun", self.record.run[:12] or self.record.name, *(["--same"] if self.same else [])]
        return shlex.join(
            [*words, *(word for name, value in changed.items() for word in ("-p", name, parameters.as_text(value)))]
        )

    @property
    def remark(self) -> str:
        """Return which version of the notebook runs, and whether that is what ran then."""
        if self.same:
            return "as the record ran it"
        return "it has changed since" if self.changed else "it has not changed since"

    def __str__(self) -> str:
        rows = [
            (f"  {name}", repr(self.values.get(name, one.value)), self._before(name))
            for name, one in self.declared.items()
        ]
        where = "" if self.same else f"  {self.notebook}"
        hint = "" if self.same or not self.changed else " (--same runs what ran then)"
        return "\n".join(
            [f"notebook  {plain(self.record.notebook)}{where}: {self.remark}{hint}", aligned(rows) if rows else ""]
        )

    def _before(self, name: str) -> str:
        before = self.record.parameters
        if name not in before:
            return "(new)"
        now = self.values.get(name, self.declared[name].value)
        return "" if before[name] == now else f"(was {before[name]!r})"

    def check(self) -> None:
        """Raise RecordError if a value is one that the record does not show."""
        hidden = [name for name, value in self.values.items() if _is_hidden(value)]
        if hidden:
            words = " ".join(f"-p {name} VALUE" for name in hidden)
            raise RecordError(f"the record hides the value of {', '.join(hidden)}", hint=f"give it: {words}")

    def run(self, site: Site, *, report: Report | None = None) -> Record:
        """Run it, and return the new record. Raises as `check`."""
        self.check()
        return run_notebook(site, self.notebook, self.values, name=self.record.notebook, report=report)


@contextmanager
def prepared(found: Records, record: Kept, *, same: bool = False) -> Iterator[Rerun]:
    """Yield what would run for a record; the notebook that `same` takes out of it is there for the block.

    Raises NotFoundError if there is no such notebook any more, RecordError for `same` if the record is not this user's.
    """
    path = found.path(record)
    if not record.sources:
        raise RecordError(f"{path} does not say what ran: it cannot be read, or was killed half way")
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        own = is_own(path)
        source = _taken_out(path, record, Path(directory), own) if same else _present(found.site, record, own)
        declared = parameters.declared(source)
        now = library.source_digest(source)
        yield Rerun(record, source, declared, _values(record, declared), now != record.sources, same)


def job(site: Site, *, report: Report, run: str, given: Mapping[str, Any], same: bool = False) -> dict[str, Any]:
    """Run a record again as a job (jobs/job.py); its result names the new record."""
    found = records(site)
    with prepared(found, found.find(run), same=same) as again:
        made = again.given(given).run(site, report=report)
    result = {"record": str(made.path_ipynb), "status": made.status}
    if made.status == "interrupted":
        raise JobCancelledError(f"its record: {made.path_ipynb}")
    if not made.ok:
        raise JobError(f"{made.status}: {made.error}", hint=f"its record: {made.path_ipynb}")
    return result


def _present(site: Site, record: Kept, own: bool) -> Path:
    """Return the notebook as it is now: at its path if the record is believed, else that of its name."""
    came_from = Path(record.came_from)
    if own and came_from.suffix == ".ipynb" and came_from.is_file():
        return came_from
    try:
        return library.named(site, came_from.name if came_from.suffix == ".ipynb" else record.notebook)
    except NotFoundError as error:
        raise NotFoundError(error.message, hint="--same runs what the record ran") from None


def _taken_out(path: Path, record: Kept, directory: Path, own: bool) -> Path:
    if not own:
        raise RecordError(
            f"{path} is not signed by you: what is in it may be anybody's",
            hint=f"read it, and then: jupyter trust {shlex.quote(str(path))}",
        )
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = facts.sources(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = {
        key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata
    }
    notebook.metadata.setdefault("language_info", {"name": "python"})  # one whose kernel died does not say it
    taken = directory / f"{plain(record.notebook).replace('/', '_')}.ipynb"
    nbformat.write(notebook, taken)
    return taken


def _values(record: Kept, declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return what the notebook is to be given so that it runs with the parameters of the record.

    Defaults that are still the same are left to it, and so is what it does not declare any more.
    """
    return {
        name: record.parameters[name]
        for name, one in declared.items()
        if name in record.parameters and (name in record.given or one.value != record.parameters[name])
    }


def _is_hidden(value: Any) -> bool:
    return isinstance(value, str) and HIDDEN in value
