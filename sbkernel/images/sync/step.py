"""The step of packimage that lays the files of synclists over the tree and runs their scripts in it."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError, SbkernelError
from sbkernel.images import space
from sbkernel.images.plan import Step, Work
from sbkernel.images.sync import lay
from sbkernel.images.sync.decide import Decision, Script, all_at_boot, decide, filled_in, now
from sbkernel.images.sync.layings import Laying
from sbkernel.images.sync.sources import Looker, key_of
from sbkernel.images.sync.view import Place, View
from sbkernel.images.tree.namespaces import inside
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.report import Report
from sbkernel.lists import synclist
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.syncline import SyncItem
from sbkernel.lists.text import paths_of, variables
from sbkernel.site import Site

NAME, VERSION = "sync", 2

_RUN = 'cat > "/tmp/$1" && chmod 700 "/tmp/$1" && exec "/tmp/$1"'


@dataclass(frozen=True)
class Sync:
    """What is done for the synclists of one image: the decision, and where the changes lie."""

    decision: Decision
    place: Place
    decided_again: Callable[[], Decision]
    listed: tuple[str, ...] = ()
    """What is odd in the lists themselves."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return all there is to tell."""
        return (*self.listed, *self.decision.warnings, *self.decision.notes)

    @property
    def applies(self) -> bool:
        """Tell whether there is anything to do now."""
        return bool(self.decision.layings or self.decision.scripts)

    @property
    def step(self) -> Step:
        """Return the step; what it makes is seen through the view of its place."""
        done = self.decision
        what = f"{_count(len(done.layings), 'path')}, {_count(len(done.scripts), 'script')}"
        if done.boot:
            what += f", {_count(len(done.boot), 'line')} kept for boot"
        return Step(
            NAME, "sync files", done.inputs, "nothing", version=VERSION, summary=what, total=self._total, run=self._run
        )

    def _run(self, work: Work) -> None:
        try:
            self._apply(work)
        except (SbkernelError, OSError) as error:
            raise space.full(error, "sync files", self.place.source.parent) or error from error.__cause__

    def _apply(self, work: Work) -> None:
        """Lay the files over the tree, then run the scripts; what was read is what the step's digest names."""
        view = self.place.make(work.report)
        changed = _lay(view, self.decision.layings, work.report, self._total)
        self._run_scripts(view, changed, work.report)
        if self.decided_again().inputs != self.decision.inputs:
            raise BuildError("sources of synclists were changed while they were packed", hint="pack again")

    def _run_scripts(self, view: View, changed: set[str], report: Report) -> None:
        done = len(self.decision.layings)
        started = self.place.path / "started"
        started.touch()
        for number, script in enumerate(self.decision.scripts, start=done + 1):
            report.progress(number, self._total, script.source.name)
            if script.after and script.after not in changed:
                report.log(f"{script.source.path} does not run: the image has {script.after} already")
                continue
            report.log(f"run {script.source.path}")
            _run_script(view, script, report)
        if self.decision.scripts:
            _date_back(view, started, max(int(self.place.source.lstat().st_mtime), self._newest))

    @property
    def _total(self) -> int:
        return len(self.decision.layings) + len(self.decision.scripts)

    @property
    def _newest(self) -> int:
        """Return when the newest file that is laid was changed, in seconds since the epoch.

        The time of a script is no part of its digest.
        """
        return max(one.source.mtime_ns for one in self.decision.layings) // 1_000_000_000


def read_sync(site: Site, image: str, tree: Path, *, nosyncfiles: bool = False) -> Sync | None:
    """Read the synclists of an osimage and look at all that they name; None if it has none.

    Raises NotFoundError for a list that is missing, ListFileError for what is wrong in one.
    """
    attributes = site.osimages[image].attributes
    paths = paths_of(attributes.get("synclists", ""))
    if not paths:
        return None
    listed = synclist.load(paths)
    values = variables(attributes.get("environvar", ""))
    items = [filled_in(item, values, image) for item in listed.items]
    place = Place(tree.with_name(".sync"), tree)
    if nosyncfiles:
        kept = all_at_boot(items)
        return Sync(kept, place, lambda: kept, listed.warnings)
    looker = Looker(key_of(site.ssh_key))

    def decision() -> Decision:
        return decide(items, dict(_found(items, looker)))

    return Sync(decision(), place, decision, listed.warnings)


def _found(items: Sequence[SyncItem], looker: Looker) -> Iterator[tuple[str, Any]]:
    for item in now(items):
        for word in item.sources:
            look = looker.single if item.clause.startswith("EXECUTE") else looker.matching
            yield word, look(word, item.line)


def _lay(view: View, layings: Sequence[Laying], report: Report, total: int) -> set[str]:
    """Lay everything; return the paths of the sources whose content the tree did not have."""
    changed: set[str] = set()
    fault: list[dict[str, Any]] = []

    def on_line(line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            report.log(line)
            return
        if "error" in said:
            fault.append(said)
            return
        laying = layings[said["number"]]
        report.progress(said["number"] + 1, total, laying.to)
        if said["changed"]:
            changed.add(laying.source.path)

    order = {
        "root": str(view.tree),
        "own": os.geteuid() or None,
        "layings": [*map(_ordered, itertools.count(), layings)],
    }
    argv = [sys.executable, "-m", lay.__name__]
    done = view.run(argv, env=module_environment(), input=json.dumps(order), on_line=on_line, check=False)
    if fault:
        line = layings[fault[0]["number"]].item.line
        raise line.error(f"{shown(layings[fault[0]['number']].source.path)}: {fault[0]['error']}")
    if done.returncode:
        raise CommandError([str(word) for word in argv], done.returncode, "")
    return changed


def _ordered(number: int, one: Laying) -> dict[str, Any]:
    facts = {name: getattr(one.source, name) for name in ("mode", "user", "uid", "group", "gid", "mtime_ns")}
    return {"number": number, "how": one.how, "source": one.source.path, "to": one.to, "name": one.name, **facts}


def _run_script(view: View, script: Script, report: Report) -> None:
    """Run a script of this host in the tree, as its root, without network: only the image makes its outcome."""
    text = Path(script.source.path).read_bytes()
    before = [*view.within, "unshare", "--net", "--"]
    try:
        inside(view.tree, ["sh", "-c", _RUN, "sh", script.source.name], input=text, on_line=report.log, before=before)
    except CommandError as error:
        said = f"{shown(script.source.path)} failed in the image:\n{error.tail}"
        raise script.item.line.error(said, hint="It runs without network, and no service runs there.") from error


def _date_back(view: View, started: Path, epoch: int) -> None:
    """Date what the scripts have changed, so that the same gives the same bytes any day."""
    touch = ["-exec", "touch", "--no-dereference", f"--date=@{epoch}", "--", "{}", "+"]
    view.run(["find", view.tree, "-xdev", "-newer", started, *touch])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
