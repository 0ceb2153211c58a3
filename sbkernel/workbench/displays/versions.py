"""The versions of an image, and how its name came to point where it does, as a card."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from sbkernel.definitions.ranges.fold import fold
from sbkernel.images.catalog.pointers import CURRENT, Move, Pointers
from sbkernel.images.catalog.reference import short
from sbkernel.rollout.versions.listed import ListedVersion, Versions
from sbkernel.units import size
from sbkernel.workbench.html import card, chip, details, div, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

_ROWS = 200
_MOVES = 100
_TONES = {CURRENT: "ok", "candidate": "busy", "previous": "quiet"}
_COLUMNS = ("version", "points to it", "packed (UTC)", "by", "size", "packages", "test boot", "boot it", "run it")


def versions(found: Versions) -> Shown:
    """Show a row a version, the one packed last first; below them who moved the pointers, and when."""
    more = len(found.rows) - _ROWS
    pointers = found.pointers
    page = card(
        heading(f"Versions of {pointers.image}", muted(f"{len(found.rows)} "), held(pointers)),
        div(
            table(_COLUMNS, map(_row, found.rows[:_ROWS]), numeric=[4, 5]),
            muted(f"and {more} more, in the frame and on the command line") if more > 0 else None,
            style="max-height:420px;overflow:auto",
        ),
        details("What moved the pointers", _history(pointers)),
    )
    return Shown(page, str(found), {"image": pointers.image, "digest": pointers.current})


def held(pointers: Pointers) -> Markup | None:
    """Return what keeps `current` where it is; None if packing moves it."""
    hold = pointers.hold
    return chip(f"held since {when(hold.t)} by {hold.by}@{hold.host}", "warn") if hold else None


def when(t: float) -> str:
    """Return a time as listings of versions show it, UTC."""
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M")


def nodes(names: tuple[str, ...], pinned: tuple[str, ...] = ()) -> str:
    """Return how many nodes, and which: `12: n[1-12] (pinned: n3)`."""
    said = f"{len(names)}: {fold(names)}" if names else ""
    return f"{said} (pinned: {fold(pinned)})".strip() if pinned else said


def _row(row: ListedVersion) -> tuple[object, ...]:
    version = row.version
    return (
        mono(short(version.digest)), Markup("").join(chip(name, _TONES[name]) for name in row.pointers),
        when(row.published), row.by, size(version.size_bytes), version.packages, _tested(row),
        _wrapped(nodes(row.boots, row.pinned)), _wrapped(nodes(row.reported)),
    )  # fmt: skip


def _tested(row: ListedVersion) -> Markup:
    if row.verdict is None:
        return muted("none")
    return chip(row.verdict.mark, "ok" if row.verdict.passed else "bad")


def _wrapped(text: str) -> Markup:
    return div(text, style="white-space:normal;overflow-wrap:anywhere;min-width:90px;max-width:220px")


def _history(pointers: Pointers) -> Markup:
    moves = [*reversed(pointers.history)]
    rows = [_move(move) for move in moves[:_MOVES]]
    more = len(moves) - _MOVES
    return div(
        table(["when (UTC)", "by", "what", "version", "moved"], rows),
        muted(f"and {more} earlier") if more > 0 else None,
        style="max-height:300px;overflow:auto",
    )


def _move(move: Move) -> tuple[object, ...]:
    what = f"{move.action} ({move.reason})" if move.reason else move.action
    return when(move.t), f"{move.by}@{move.host}", what, mono(short(move.digest)), ", ".join(move.pointers) or "nothing"
