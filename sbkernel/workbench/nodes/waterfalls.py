"""Boots of many nodes side by side: a bar a node on one axis, and behind it how long that usually takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from markupsafe import Markup

from sbkernel.definitions.ranges.fold import fold
from sbkernel.netboot.bootlog import STAGES
from sbkernel.netboot.diagnosis.seen import State
from sbkernel.netboot.diagnosis.usual import SCRIPTS, Usual, limits
from sbkernel.service.boots import Boots, NodeBoot, boots
from sbkernel.service.nodestat import nodestat
from sbkernel.units import plain, seconds
from sbkernel.workbench import calls
from sbkernel.workbench.calls import call
from sbkernel.workbench.html import TRACK, card, chip, div, el, heading, muted, span
from sbkernel.workbench.panel import Shown

_ROWS = 1000
_FAR = 4.0
"""Where the axis ends at the latest, in usual boots; a node that hangs for days does not flatten the others."""
_BAR_PX = 420
_TONES: Mapping[State, str] = {
    "failed": "bad", "stuck": "bad", "degraded": "warn", "slow": "warn", "booting": "busy", "well": "ok",
}  # fmt: skip
# What a node does at a stage, in the order of a boot, with a colour under white that can be told from its neighbours'.
_PHASES: Sequence[tuple[str, str, frozenset[str]]] = (
    ("firmware", "#667686", frozenset({"power-on"})),
    ("boot server", "#946500", frozenset({"dhcp", *SCRIPTS})),
    ("kernel", "#8a63b8", frozenset({"kernel"})),
    ("image", "#127a97", frozenset({"initrd", "fetched", "verified"})),
    ("system", "#327e52", frozenset({"mounted"})),
    ("after", "#617a2a", frozenset({"userspace", "postscripts", "postscript", "syncfiles", "booted", "login"})),
)
_COLOUR = {stage: colour for _, colour, stages in _PHASES for stage in stages}
_OTHER = "#707070"


def waterfalls(shown: Boots) -> Shown:
    """Show a bar for each node, each stage as wide as it was long; the worst and the slowest stand first."""
    end = _end(shown)
    usual = {image: _in_order(stays) for image, stays in shown.usual.items() if stays}
    rows = [_usual_row(image, stays, end) for image, stays in usual.items()]
    rows += [_row(one, shown.usual.get(one.image, {}), end) for one in shown.nodes[:_ROWS]]
    more = len(shown.nodes) - _ROWS
    names = [one.node for one in shown.nodes]
    page = card(
        heading("Boots side by side", muted(shown.summary)),
        _legend(),
        div(_table(rows, end), style="max-height:560px;overflow:auto"),
        muted(f"and {more} more, in the frame and by sb nodestat --timeline") if more > 0 else None,
        calls.shown([
            call("boots", boots, fold(names), sb=["nodestat", fold(names), "--timeline"]),
            call("now", nodestat, fold(names), sb=["nodestat", fold(names)]),
        ]) if names else None,
    )  # fmt: skip
    return Shown(page, f"{shown.summary}\n{shown}" if names else str(shown))


def _end(shown: Boots) -> float:
    """Return the seconds at which the axis ends."""
    took = [one.reached_s + one.waits_s for one in shown.nodes if one.rows]
    usual = [sum(one.median_s for one in stays.values()) for stays in shown.usual.values()]
    reached = [one.reached_s for one in shown.nodes if one.reached_s] or usual or took
    return max(1.0, min(max([*took, *usual], default=0.0), _FAR * max([median(reached or [0.0]), *usual])))


def _row(one: NodeBoot, usual: Mapping[str, Usual], end: float) -> Markup:
    state = chip(one.found.state, _TONES.get(one.found.state, "quiet"))
    if not one.rows:
        return _line(one.node, state, muted(one.found.text), "", "")
    shade = sum(known.median_s for known in usual.values())
    said = one.rows[-1].stage if one.found.is_well else plain(one.found.text)
    took = seconds(one.reached_s + one.waits_s)
    return _line(one.node, state, _bar(one.stays, end, usual, shade), took, said)


def _usual_row(image: str, stays: Mapping[str, Usual], end: float) -> Markup:
    durations = [(stage, known.median_s) for stage, known in stays.items()]
    took = sum(duration for _, duration in durations)
    boots_of = max(known.boots for known in stays.values())
    said = f"the median of {boots_of} boots, stage by stage"
    return _line(el("i", "usually"), muted(image), _bar(durations, end, {}, took), seconds(took), muted(said))


def _line(node: object, state: object, drawn: object, took: object, said: object) -> Markup:
    """Return a row with as few styles as it needs: there may be hundreds, in a record."""
    cells = [el("td", one, style="text-align:left;padding:2px 12px 2px 0") for one in (state, drawn)]
    cells.append(el("td", took, style="text-align:right;padding:2px 12px 2px 0;white-space:nowrap"))
    cells.append(el("td", said, style="text-align:left;padding:2px 0"))
    head = el("th", node, style="text-align:left;padding:2px 12px 2px 0;font-weight:normal", scope="row")
    return el("tr", head, *cells)


def _bar(stays: Sequence[tuple[str, float]], end: float, usual: Mapping[str, Usual], shade: float) -> Markup:
    """Return a bar of the stages; what lies beyond the end of the axis is cut and marked."""
    pieces, left = [], end
    for stage, duration in stays:
        width = min(max(duration, 0.0), left)
        left -= width
        slow = stage in usual and duration > limits(stage, usual[stage]).slow_s
        if width / end > 0.001:
            pieces.append(_piece(stage, width / end, slow))
    told = [f"{stage} {seconds(duration)}" + _usually(duration, usual.get(stage), stage) for stage, duration in stays]
    over = sum(duration for _, duration in stays) > end * 1.001
    cut = el("b", "▸", style="position:absolute;right:-9px;top:-4px") if over else None
    back = div(style=f"position:absolute;top:-2px;height:16px;width:{min(shade / end, 1) * 100:.1f}%;"
               f"background-color:{TRACK}") if shade else None  # fmt: skip
    front = div(*pieces, style="position:relative;height:12px;display:flex")
    return div(
        back,
        front,
        cut,
        style=f"position:relative;width:{_BAR_PX}px",
        role="img",
        title=", ".join(told) or "just begun",
    )


def _usually(duration: float, known: Usual | None, stage: str) -> str:
    slow = known is not None and duration > limits(stage, known).slow_s
    return f" (usually {seconds(known.median_s)})" if known and slow else ""


def _piece(stage: str, share: float, slow: bool) -> Markup:
    mark = ";font-size:10px;line-height:12px;color:#ffffff;text-align:center" if slow else ""
    style = f"width:{share * 100:.1f}%;background-color:{_COLOUR.get(stage, _OTHER)}{mark}"
    return el("b", "!" if slow else None, style=style)


def _table(rows: Sequence[Markup], end: float) -> Markup:
    style = "text-align:left;padding:2px 12px 2px 0;font-weight:600"
    heads = ("node", "state", _axis(end), "took", "last stage, or why")
    head = el("tr", *(el("th", one, style=style, scope="col") for one in heads))
    return el(
        "table", el("thead", head), el("tbody", *rows), style="border-collapse:collapse;font-size:12px;line-height:1.4"
    )


def _in_order(stays: Mapping[str, Usual]) -> dict[str, Usual]:
    order = {stage: STAGES.index(stage) if stage in STAGES else STAGES.index("ipxe") for stage in stays}
    return {stage: stays[stage] for stage in sorted(stays, key=order.__getitem__)}


def _axis(end: float) -> Markup:
    marks = (span(seconds(end * part / 4) if part else "0") for part in range(5))
    style = f"display:flex;justify-content:space-between;width:{_BAR_PX}px;font-weight:normal;font-size:11px"
    return div(*marks, style=style)


def _legend() -> Markup:
    def key(colour: str) -> Markup:
        style = "display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px"
        return span(style=f"{style};background-color:{colour}", aria_hidden="true")

    phases = [span(key(colour), name, style="margin-right:14px") for name, colour, _ in _PHASES]
    more = span(key(TRACK), "usual for the image ", span("!", style="font-weight:600"), " slow ▸ longer than the axis")
    return div(*phases, more, style="font-size:12px;margin:2px 0 6px 0")
