"""Roll-outs as cards: waves as bars, a square for each node, and what is to be said of those with a trouble."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from sbkernel.definitions.ranges.fold import fold
from sbkernel.rollout.waves.plan import RolloutPlan
from sbkernel.rollout.waves.progress import WORDS, NodeProgress, Progress, Word
from sbkernel.rollout.waves.report import RolloutReport
from sbkernel.units import plain
from sbkernel.workbench.html import (
    LINE,
    TONES,
    TRACK,
    card,
    chip,
    details,
    div,
    heading,
    mono,
    muted,
    span,
    surface,
    table,
)
from sbkernel.workbench.panel import Shown

_SQUARES, _ROWS = 1000, 100
_STATES = {"running": "busy", "interrupted": "bad", "done": "ok", "went back": "warn", "stopped": "warn"}
_MARKS: Mapping[Word, tuple[str, str]] = {
    "waiting": ("·", "quiet"), "held": ("h", "quiet"), "setting": ("…", "busy"), "set": ("s", "busy"),
    "draining": ("d", "busy"), "sending": ("→", "busy"), "booting": ("b", "busy"), "up": ("✓", "ok"),
    "failed": ("✕", "bad"), "set back": ("←", "warn"), "back": ("↩", "warn"),
}  # fmt: skip
_NAME = "width:150px;flex:none;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_ROW = "display:flex;align-items:center;gap:12px;line-height:1.7"


def plan(value: RolloutPlan) -> Shown:
    """Show a plan before anything is done."""
    rows = [
        (number, wave.name, len(wave.nodes), div(mono(fold(wave.nodes)), style="white-space:normal"))
        for number, wave in enumerate(value.waves, 1)
    ]
    lines = [div(muted(line.strip())) for line in str(value).splitlines()[1 + len(rows) :]]
    shown = card(
        heading(
            f"Plan: {value.version} to {len(value.nodes)} nodes", muted(f"{value.options.budget} of a wave may fail")
        ),
        table(["wave", "", "nodes", ""], rows, numeric=[0, 2]) if rows else muted("nothing to do"),
        *lines,
        details(muted("Python and command line"), div(mono(value.call)), div(mono(value.command))),
    )
    return Shown(shown, str(value), {"image": value.image, "digest": value.digest})


def report(value: RolloutReport) -> Shown:
    """Show how a roll-out stands."""
    about = {"rollout": value.id, "image": value.progress.plan.image, "digest": value.progress.plan.digest}
    return Shown(render(value), str(value), about)


def render(value: RolloutReport) -> Markup:
    """Return the card of a roll-out."""
    now, found = value.progress, value.progress.plan
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(value.created))
    doing = "going back" if now.back is not None and not now.end else ""
    return card(
        heading(
            f"Roll-out of {found.version}", chip(value.state, _STATES[value.state]),
            chip(doing, "warn") if doing else None, muted(f"{len(found.nodes)} nodes, {when}, {value.by}"),
        ),
        div(plain(value.why), style="margin-bottom:6px") if value.why else None,
        *(_wave(now, number) for number in range(1, len(found.waves) + 1)),
        _squares(now) if len(found.nodes) <= _SQUARES else _folded(now),
        _legend(now),
        _troubles(value.wrong),
        *(div(muted(plain(line))) for line in found.left_out_lines()),
    )  # fmt: skip


def _wave(now: Progress, number: int) -> Markup:
    wave, counts = now.plan.waves[number - 1], now.counts(number)
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    judged = now.judged.get(number)
    mark = chip("good" if judged.good else "failed", "ok" if judged.good else "bad") if judged else None
    return div(
        div(f"wave {number}: {wave.name}", style=_NAME, title=fold(wave.nodes)),
        div(_stacked(counts, len(wave.nodes)), style="flex:1 1 auto;min-width:60px"),
        div(said, style="width:230px;flex:none"),
        div(mark, style="width:70px;flex:none"),
        style=_ROW,
    )


def _stacked(counts: Mapping[Word, int], total: int) -> Markup:
    """Return a bar that is divided as the nodes are."""
    parts = (
        div(style=f"width:{count * 100 / total:.2f}%;background-color:{TONES[_MARKS[word][1]]}")
        for word, count in counts.items()
        if word != "waiting"
    )
    return div(
        *parts, style=f"display:flex;height:10px;background-color:{TRACK};border-radius:4px;overflow:hidden"
    )  # fmt: skip


def _squares(now: Progress) -> Markup:
    """Return a square for each node, in the order of the waves; its title says what is to be said of it."""
    style = "display:flex;flex-wrap:wrap;gap:2px;margin-top:4px"
    waves = (
        div(*(_square(one) for one in now.of(number)), role="list", aria_label=f"nodes of wave {number}", style=style)
        for number in range(1, len(now.plan.waves) + 1)
    )
    return div(*waves, style=f"border-top:1px solid {LINE};margin-top:8px;padding-top:4px")


def _square(one: NodeProgress) -> Markup:
    return _mark(one.word, plain(str(one)), role="listitem")


def _mark(word: Word, title: str, **attributes: str) -> Markup:
    letter, tone = _MARKS[word]
    fill = f"border:1px solid {LINE}" if tone == "quiet" else surface(tone)
    style = f"{fill};width:16px;height:16px;flex:none;box-sizing:border-box;border-radius:3px;text-align:center"
    return span(
        letter, title=title, aria_label=title, style=f"{style};font-size:11px;line-height:16px", **attributes
    )  # fmt: skip


def _folded(now: Progress) -> Markup:
    """Return the nodes of each word as ranges, where squares would be too many."""
    alike: dict[Word, list[str]] = {}
    for one in now.nodes.values():
        alike.setdefault(one.word, []).append(one.node)
    rows = [(word, len(names), div(mono(fold(names)), style="white-space:normal")) for word, names in alike.items()]
    return div(table(["", "nodes", ""], rows, numeric=[1]), style="max-height:320px;overflow:auto")


def _legend(now: Progress) -> Markup:
    words = (
        span(_mark(word, word), " ", muted(f"{word}: {WORDS[word]}"), style="display:inline-flex;gap:5px")
        for word in now.counts()
    )
    return div(*words, style="display:flex;flex-wrap:wrap;gap:4px 16px;margin-top:8px;font-size:12px")


def _troubles(nodes: Sequence[NodeProgress]) -> Markup | None:
    if not nodes:
        return None
    rows = [
        (one.node, chip(one.word, _MARKS[one.word][1]), div(plain(_why(one)), style="white-space:normal"))
        for one in nodes[:_ROWS]
    ]
    more = len(nodes) - len(rows)
    return div(
        table(["node", "", "why"], rows),
        muted(f"and {more} more, in the frame and by sb rollout --show") if more > 0 else None,
        style="max-height:320px;overflow:auto;margin-top:8px",
    )


def _why(one: NodeProgress) -> str:
    return "; ".join(dict.fromkeys(filter(None, (one.trouble, one.why))))
