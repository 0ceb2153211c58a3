"""A job as HTML: its state, phases with durations, progress, and the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sbkernel.jobs.events import Progress
from sbkernel.jobs.job import Job
from sbkernel.units import seconds
from sbkernel.workbench.html import MONO, MUTED, bar, card, chip, details, div, edge, heading, log, mono, muted, span

_TONES = {"succeeded": "ok", "failed": "bad", "cancelled": "warn", "running": "busy", "pending": "quiet"}
_UNCHANGED = ", nothing to do"
_LIVE_LINES, _KEPT_LINES = 6, 60


@dataclass(frozen=True)
class JobSnapshot:
    """A job at one moment."""

    verb: str
    target: str
    state: str
    seconds: float
    progress: Progress
    tail: Sequence[str]
    log_path: str
    error: str | None = None
    unchanged: bool = False  # there was nothing to do
    broken: frozenset[str] = frozenset()  # phases that ended with an error or were cancelled

    @property
    def done(self) -> bool:
        """Tell whether the job has ended."""
        return self.state not in ("pending", "running")


def snapshot(job: Job) -> JobSnapshot:
    """Read a job as it is now."""
    state = job.state
    running = state in ("pending", "running")
    return JobSnapshot(
        verb=job.verb,
        target=str(job.spec.get("kwargs", {}).get("image", "")),
        state=state,
        seconds=job.seconds,
        progress=job.progress,
        tail=job.tail(_LIVE_LINES if running else _KEPT_LINES),
        log_path=str(job.log_path),
        error=job.error if state == "failed" else None,
        broken=frozenset(e.data["title"] for e in job.events() if e.kind == "phase-end" and not e.data["ok"]),
        unchanged=state == "succeeded" and bool(job.result.get("cached")) and not job.result.get("built"),
    )


def line(now: JobSnapshot) -> str:
    """Return one line of text: `genimage compute: running, install packages 123/224 (12.3 s)`."""
    what = f"{now.verb} {now.target}".strip()
    doing = "" if now.done or not now.progress.phase else f", {_doing(now.progress)}"
    why = f": {now.error}" if now.error else _UNCHANGED if now.unchanged else ""
    return f"{what}: {now.state}{doing} ({seconds(now.seconds)}){why}"


def doing(now: JobSnapshot) -> str:
    """Return what a screen reader is to say: the state, and while it runs the phase, but not each step of it."""
    return f"{now.verb} {now.target}".strip() + f": {now.state if now.done else now.progress.phase or now.state}"


def render(now: JobSnapshot) -> Markup:
    """Return the card of a job."""
    title = f"{now.verb} {now.target}".strip()
    remark = _UNCHANGED if now.unchanged else None
    return card(
        heading(title, chip(now.state, _TONES[now.state]), muted(seconds(now.seconds), remark)),
        div(now.error, style=f"{edge('bad')};margin-bottom:6px") if now.error else None,
        _phases(now),
        _log(now),
    )


def _doing(progress: Progress) -> str:
    return " ".join(part for part in (progress.phase, _count(progress), progress.text) if part)


def _count(progress: Progress) -> str:
    if progress.total:
        return f"{progress.done}/{progress.total}"
    return str(progress.done or "")


def _phases(now: JobSnapshot) -> Markup:
    finished = [took for _, took in now.progress.phases if took is not None]
    longest = max(finished, default=0.0) or 1.0
    rows = []
    for title, took in now.progress.phases:
        if took is not None:
            mark, tone = ("✕", _TONES[now.state]) if title in now.broken else ("✓", "ok")
            rows.append(_row(mark, title, bar(took / longest, tone, height_px=6), seconds(took)))
        elif now.done:
            rows.append(_row("·", title, bar(0, height_px=6), ""))
        else:
            rows.append(_open_row(title, now.progress))
    return div(*rows)


def _open_row(title: str, progress: Progress) -> Markup:
    if title != progress.phase:
        return _row("…", title, bar(0, height_px=6), "")
    count = f"{progress.done}/{progress.total}" if progress.total else str(progress.done or "")
    text = div(
        progress.text, style=f"{MONO};{MUTED};font-size:11px;margin-left:26px;overflow:hidden;white-space:nowrap"
    )
    return div(_row("▸", title, bar(progress.fraction or 0.0, height_px=6), count), text if progress.text else None)


def _row(mark: str, title: str, drawn: Markup, text: str) -> Markup:
    return div(
        span(mark, style="width:14px;flex:none;text-align:center"),
        div(title, style="width:230px;flex:none;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"),
        div(drawn, style="flex:1 1 auto;min-width:60px"),
        div(text, style=f"width:90px;flex:none;text-align:right;{MONO};font-size:12px"),
        style="display:flex;align-items:center;gap:12px;font-size:13px;line-height:1.65",
    )


def _log(now: JobSnapshot) -> Markup | None:
    if not now.tail:
        return None
    text = "\n".join(line.rstrip() for line in now.tail)
    if not now.done:
        return log(text, height_px=130)
    lines = f"last {len(now.tail)} lines of the log" if len(now.tail) == _KEPT_LINES else "log"
    return details(span(lines, style=MUTED), log(text), div(mono(now.log_path), style=f"{MUTED};margin-top:4px"))
