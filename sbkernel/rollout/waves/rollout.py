"""sb rollout: bring a version of an image to nodes in waves, as a job; resume it, cancel it, list what there is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.store.journal import user
from sbkernel.errors import JobCancelledError, LockedError, SbkernelError
from sbkernel.files import in_turn, take
from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.jobs.report import NullReport, Report
from sbkernel.rollout.waves.engine import Engine
from sbkernel.rollout.waves.journal import (
    GO_BACK,
    INTERRUPTED,
    RUNNING,
    STAY,
    Journal,
    Rollout,
    find,
    folder,
    make,
    unfinished,
)  # fmt: skip
from sbkernel.rollout.waves.plan import Options, RolloutPlan
from sbkernel.rollout.waves.planning import USUAL_WAVES, plan_rollout
from sbkernel.rollout.waves.progress import BACK, OPEN, STOPPED, Progress
from sbkernel.rollout.waves.sitehands import SiteHands
from sbkernel.site import Site

VERB = "rollout"
_TARGET = "sbkernel.rollout.waves.rollout:carry_out"


def rollout(
    site: Site, image: str, noderange: str, waves: str = USUAL_WAVES, budget: str = "5%", **options: Any
) -> Job | None:
    """Start a roll-out of a version, such as IMAGE@candidate; return its job, None if there is nothing to do.

    `options` are the fields of Options: how, pace, timeout_s, wait_s, scheduler, promote, untested. The job fails when
    the roll-out went back. Raises as plan_rollout does, and LockedError when another roll-out has any of the nodes.
    """
    plan = plan_rollout(site, image, noderange, waves, Options(budget=budget, **options))
    return start(site, plan) if plan.nodes else None


def start(site: Site, plan: RolloutPlan) -> Job:
    """Start a planned roll-out and return its job. Raises LockedError when another one has any of its nodes."""
    with in_turn(folder(site) / ".turn"):
        for other in unfinished(site):
            _refuse_shared(other, plan)
        return _job(site, make(site, plan, user()))


def start_once(site: Site, plan: RolloutPlan) -> str:
    """Start a planned roll-out unless one of the same version to any of its nodes is under way; return its id.

    "" when there is nothing to do. So a cell of a notebook can be run again. Raises as start() does.
    """
    named = {*plan.nodes, *plan.left_out}
    for other in unfinished(site):
        theirs = other.plan()
        if theirs.digest == plan.digest and not named.isdisjoint(theirs.nodes):
            return other.id
    return str(start(site, plan).spec["kwargs"]["rollout"]) if plan.nodes else ""


def resume(site: Site, rollout_id: str = "") -> Job:
    """Go on with a roll-out whose process was killed, the newest if none is named.

    Raises LockedError when it runs, SbkernelError when it is over.
    """
    with in_turn(folder(site) / ".turn"):
        found = find(site, rollout_id)
        state = found.state()
        if state == RUNNING:
            raise LockedError(f"{found.id} runs already", hint=f"sb rollout --show {found.id}")
        if state != INTERRUPTED:
            raise SbkernelError(f"{found.id} is over: {state}", hint=f"sb rollout --show {found.id}")
        return _job(site, found)


def cancel(site: Site, rollout_id: str, how: str) -> Job:
    """End a roll-out: `stay` leaves the nodes as they are, `back` takes them back to what they booted before.

    Return at once the job that does so. Raises SbkernelError when it is over.
    """
    if how not in (STAY, GO_BACK):
        raise SbkernelError(f"a roll-out does not end by {how!r}", hint=f"{STAY}, or {GO_BACK}")
    with in_turn(folder(site) / ".turn"):
        found = find(site, rollout_id)
        if end := found.progress().end:
            raise SbkernelError(f"{found.id} is over: {end}", hint=f"sb rollout --show {found.id}")
        found.ask_to_end(how, user())
        return jobs.attach(site, found.job) if found.is_running else _job(site, found)


def carry_out(site: Site, report: Report | None = None, *, rollout: str, **_about: object) -> dict[str, Any]:
    """Carry out a roll-out to its end: what the job does. Raises SbkernelError when it went back.

    Only one process does so at a time. What is raised otherwise leaves it to be resumed.
    """
    found, told = find(site, rollout), report or NullReport()
    with _held(found):
        journal = Journal(found)
        try:
            now, total = journal.progress, len(journal.progress.plan.nodes)
            hands = SiteHands(site, found, now.plan)
            with told.phase(f"roll out {now.plan.version}", total):
                Engine(journal, hands, lambda: told.progress(_ended(now), total, _said(now))).run()
        finally:
            journal.close()
    told.result(rollout=found.id, state=now.end, nodes=dict(now.counts()), digest=now.plan.digest, image=now.plan.image)
    hint = f"sb rollout --show {found.id}"
    if now.end == BACK:
        raise SbkernelError(f"{now.plan.version} went back: {now.why}", hint=hint)
    if now.end == STOPPED:
        raise JobCancelledError(f"{now.plan.version}: {now.why}", hint=hint)
    return {"said": now.why}


def _job(site: Site, found: Rollout) -> Job:
    plan = found.plan()
    # The versions are named so that nobody collects them meanwhile.
    about = {"image": plan.version, "nodes": fold(plan.nodes), "digests": sorted(plan.digests)}
    job = jobs.start(site, VERB, _TARGET, rollout=found.id, **about)
    found.note_job(job.id)
    return job


@contextlib.contextmanager
def _held(found: Rollout) -> Iterator[None]:
    try:
        lock = take(found.dir / "lock", wait=False)
    except BlockingIOError:
        raise LockedError(f"{found.id} runs already", hint=f"sb rollout --show {found.id}") from None
    try:
        yield
    finally:
        os.close(lock)


def _refuse_shared(other: Rollout, plan: RolloutPlan) -> None:
    shared = set(other.plan().nodes) & set(plan.nodes)
    if shared:
        running = other.is_running
        hint = f"sb rollout --show {other.id}, or end it: sb rollout --cancel {other.id}"
        if not running:
            hint = f"it was interrupted: sb rollout --resume {other.id}, or --cancel {other.id}"
        raise LockedError(f"the roll-out {other.id} has {fold(shared)}", hint=hint)


def _ended(now: Progress) -> int:
    return sum(one.word not in OPEN and one.word != "waiting" for one in now.nodes.values())


def _said(now: Progress) -> str:
    where = "going back" if now.back is not None else f"wave {now.wave} of {len(now.plan.waves)}"
    return ", ".join([where, *(f"{count} {word}" for word, count in now.counts().items())])
