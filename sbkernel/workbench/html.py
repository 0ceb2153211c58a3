"""Build HTML for records: it has only inline styles, and everything is escaped unless it is `Markup`.

JupyterLab removes style sheets, scripts, SVG and theme variables from records that it does not trust, and its two
themes have opposite backgrounds. So all styles are inline, text has the colour of the page, and surfaces are
translucent greys. No colour can be read on white and on the near black of a dark theme (4.5:1, WCAG AA), so that tones
are surfaces under white text, bars, edges and pictures (role=img, 3:1), and no text has one. A tone never stands alone:
a word says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

LINE = "rgba(128,128,128,0.28)"
TRACK = "rgba(128,128,128,0.16)"
ACCENT = "#127a97"
TONES = {"ok": "#22834b", "warn": "#96680a", "bad": "#cf3c31", "busy": ACCENT, "quiet": "#6c747e"}
"""White can be read on each, and each can be seen on white and on #111111 (3:1)."""
MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
MUTED = "opacity:0.65"


def el(tag: str, *children: object, style: str = "", **attributes: str) -> Markup:
    """Return one element. Children are escaped unless they are Markup; None is left out."""
    named = {"style": style, **{name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}}
    opening = Markup("").join(Markup(' {}="{}"').format(name, value) for name, value in named.items() if value)
    inside = Markup("").join(escape(child) for child in children if child is not None)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), opening, inside)  # noqa: S704 - tags are ours


def div(*children: object, style: str = "", **attributes: str) -> Markup:
    """Return a block."""
    return el("div", *children, style=style, **attributes)


def span(*children: object, style: str = "", **attributes: str) -> Markup:
    """Return an inline element."""
    return el("span", *children, style=style, **attributes)


def card(*children: object) -> Markup:
    """Return a framed surface, no wider than text is easy to read."""
    return div(
        *children,
        style=f"border:1px solid {LINE};border-radius:8px;padding:12px 16px;margin:4px 0;max-width:960px;"
        "font-size:13px;line-height:1.5;box-sizing:border-box",
    )


def heading(text: object, *beside: object) -> Markup:
    """Return the title line of a card, with chips or remarks beside it."""
    title = span(text, style="font-weight:600;font-size:14px;margin-right:10px", role="heading", aria_level="4")
    return div(title, *beside, style="margin-bottom:6px")


def muted(*children: object) -> Markup:
    """Return muted text."""
    return span(*children, style=MUTED)


def mono(*children: object) -> Markup:
    """Return text in a monospaced font."""
    return span(*children, style=f"{MONO};font-size:12px")


def wrapped(value: object) -> Markup:
    """Return a value of a table that takes as many lines as it needs: paths differ at their ends."""
    return div(value, style="white-space:normal;overflow-wrap:anywhere;min-width:120px")


def chip(text: object, tone: str = "quiet") -> Markup:
    """Return a small label; tone is one of ok, warn, bad, busy, quiet."""
    return span(
        text,
        style=f"display:inline-block;padding:0 8px;margin-right:6px;border-radius:9px;{surface(tone)};font-size:11px;"
        "line-height:19px;font-weight:600",
    )


def surface(tone: str) -> str:
    """Return the style of white text on a tone."""
    return f"background-color:{TONES[tone]};color:#ffffff"


def edge(tone: str) -> str:
    """Return the style of text beside an edge of a tone."""
    return f"border-left:3px solid {TONES[tone]};padding-left:8px"


def bar(fraction: float, tone: str = "busy", *, start: float = 0.0, height_px: int = 8) -> Markup:
    """Return a horizontal bar from `start` over `fraction` of its track, both 0 to 1. A text beside it says it, too."""
    begin = min(max(0.0, start), 1.0)
    width = min(max(0.0, fraction), 1.0 - begin)
    fill = div(
        style=f"position:absolute;left:{begin * 100:.2f}%;width:{width * 100:.2f}%;min-width:1px;height:{height_px}px;"
        f"background-color:{TONES[tone]};border-radius:4px"
    )
    return div(
        fill,
        style=f"position:relative;height:{height_px}px;background-color:{TRACK};border-radius:4px;overflow:hidden",
        aria_hidden="true",
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numeric: Iterable[int] = ()) -> Markup:
    """Return a table. The columns whose positions are in `numeric` are aligned to the right."""
    right = set(numeric)

    def cell(tag: str, index: int, value: object, extra: str = "", **attributes: str) -> Markup:
        side = "right" if index in right else "left"
        style = f"text-align:{side};padding:3px 14px 3px 0;white-space:nowrap;{extra}"
        return el(tag, value, style=style, **attributes)

    line = f"border-bottom:1px solid {LINE}"
    head = el("tr", *(cell("th", i, c, f"font-weight:600;{MUTED};{line}", scope="col") for i, c in enumerate(columns)))
    body = (el("tr", *(cell("td", i, v, line) for i, v in enumerate(row))) for row in rows)
    return el(
        "table",
        el("thead", head),
        el("tbody", *body),
        style="border-collapse:collapse;font-size:13px;line-height:1.5;margin:4px 0",
    )


def pairs(values: Mapping[str, object]) -> Markup:
    """Return names and values in two columns; empty values are left out."""
    rows = (
        el(
            "tr",
            el(
                "td",
                name,
                style=f"{MUTED};padding:1px 18px 1px 0;text-align:left;vertical-align:top;white-space:nowrap",
            ),
            el("td", value, style="padding:1px 0;text-align:left;word-break:break-word"),
        )
        for name, value in values.items()
        if value not in ("", None)
    )
    return el("table", el("tbody", *rows), style="border-collapse:collapse;font-size:13px;line-height:1.5;margin:0")


def details(summary: object, *children: object) -> Markup:
    """Return a part that opens when the user presses its summary."""
    return el("details", el("summary", summary, style="cursor:pointer"), *children, style="margin-top:6px")


def log(text: str, *, height_px: int = 420) -> Markup:
    """Return plain lines in a scrolling box."""
    return el(
        "pre",
        text,
        style=f"{MONO};font-size:12px;line-height:1.45;margin:6px 0 0 0;padding:8px 10px;max-height:{height_px}px;"
        f"overflow:auto;border-radius:6px;background-color:{TRACK};white-space:pre-wrap",
    )
