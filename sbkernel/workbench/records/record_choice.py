"""What is chosen in the records panel: shown, compared, or in a form to run it again; in words, as Python, as typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.records import parameters
from sbkernel.records.kept import comparison
from sbkernel.records.kept.facts import DAMAGED, Kept
from sbkernel.records.kept.listing import Records
from sbkernel.records.kept.rerun import Rerun, prepared
from sbkernel.records.kept.told import told
from sbkernel.records.parameters import Parameter
from sbkernel.workbench.calls import Call, command
from sbkernel.workbench.displays.records import diff
from sbkernel.workbench.displays.records import told as told_card

_JOB = "sbkernel.records.kept.rerun:job"
_FOUND = "from sbkernel.records.kept.listing import records\nfound = records(site)"


def key(one: Kept) -> str:
    """Return what stays of a record when its run ends and its file gets another name."""
    return one.run or one.path


@dataclass(frozen=True)
class Choice:
    """Keys of chosen records, of one whether its own notebook is to run, and which parameters were typed for it."""

    keys: tuple[str, ...] = ()
    same: bool = False
    given: Mapping[str, str] = field(default_factory=dict)

    def records(self, found: Records) -> list[Kept]:
        """Return what is chosen, the older one first; what is gone meanwhile is left out."""
        return sorted((one for one in found if key(one) in self.keys), key=lambda one: one.when)

    def detail(self, found: Records) -> dict[str, Any]:
        """Return what the panel shows: a comparison of two, or one with a form and whether it has a page."""
        chosen = self.records(found)
        if len(chosen) == 2:
            return {"html": str(diff(comparison.diff(found.site, *chosen)).html)}
        if len(chosen) != 1:
            return {"html": ""}
        shown = told(found, chosen[0])
        opens = chosen[0].status not in ("running", DAMAGED)
        return {"html": str(told_card(shown).html), "again": self._form(found, shown.own), "page": opens}

    def calls(self, found: Records) -> Iterator[Call]:
        """Yield the calls that show, compare or run again what is chosen; none if nothing is."""
        words = [one.run[:12] or one.name for one in self.records(found)]
        if len(words) == 2:
            python = f"{_FOUND}\nbetween(found, {words[0]!r}, {words[1]!r})"
            yield Call("compare", f"{_import(comparison.between)}\n{python}", command("records", "diff", *words))
        elif words:
            name = f"found.find({words[0]!r})"
            python = f"{_import(told)}\n{_FOUND}\ntold(found, {name})"
            yield Call("show", python, command("records", "show", words[0]))
            with suppress(SbkernelError), self.prepared(found) as again:
                same = ", same=True" if again.same else ""
                given = f".given({dict(again.changed_values)!r})" if again.changed_values else ""
                python = f"{_import(prepared)}\n{_FOUND}\nwith prepared(found, {name}{same}) as again:\n"
                yield Call("run again", f"{python}    again{given}.run(site)", again.command)

    @contextmanager
    def prepared(self, found: Records) -> Iterator[Rerun]:
        """Yield what would run (kept/rerun.py). Raises what that raises, NotFoundError if the record is gone."""
        with self._as_it_was(found) as again:
            known = again.declared
            values = {
                name: parameters.from_text(parameters.find(known, name), text) for name, text in self.given.items()
            }
            yield again.given(values)

    def run(self, found: Records) -> Job:
        """Run it again as a job, which goes on when the page is closed. Raises as `prepared`, and Rerun.check()."""
        with self.prepared(found) as again:
            again.check()
            run = again.record.run or again.record.name
            return jobs.start(found.site, "rerun", _JOB, run=run, given=dict(again.values), same=again.same)

    @contextmanager
    def _as_it_was(self, found: Records) -> Iterator[Rerun]:
        chosen = self.records(found)
        if len(chosen) != 1:
            raise NotFoundError("the record is gone, or has another name by now", hint="choose it again")
        with prepared(found, chosen[0], same=self.same) as again:
            yield again

    def _form(self, found: Records, own: bool) -> dict[str, Any]:
        form: dict[str, Any] = {"fields": [], "same": self.same, "own": own, "problem": ""}
        try:
            with self._as_it_was(found) as again:
                fields = [self._field(declared, again) for declared in again.declared.values()]
                return {**form, "fields": fields, "remark": again.remark}
        except SbkernelError as error:
            return {**form, "remark": str(error), "problem": error.message}

    def _field(self, declared: Parameter, again: Rerun) -> dict[str, Any]:
        value = again.values.get(declared.name, declared.value)
        before = "" if value is None else parameters.as_text(value)
        return {
            "name": declared.name, "before": before, "value": self.given.get(declared.name, before),
            "help": declared.help, "values": ["true", "false"] if declared.type is bool else [],
        }  # fmt: skip


def _import(function: Callable[..., Any]) -> str:
    return f"from {function.__module__} import {function.__name__}"
