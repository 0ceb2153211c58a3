"""Turn the bytes of a serial line into lines, and lines into HTML with inline colours.

Only colours and weight (SGR, ECMA-48 8.3.117) are kept. Cursor movements, titles and other controls are dropped,
because a log has no cursor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from markupsafe import Markup

from sbkernel.workbench.html import MONO, el, span

_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command
    r"|\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # any other control sequence
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x1b]"
)
_COLOURS = ("#8b949e", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3")
_INK, _PAPER = "#d6dde6", "#12171d"


@dataclass(frozen=True)
class TextStyle:
    """Colour and weight of a run of characters."""

    colour: str = ""
    bold: bool = False

    def css(self) -> str:
        """Return the style as an inline declaration."""
        weight = "font-weight:600" if self.bold else ""
        return ";".join(part for part in (f"color:{self.colour}" if self.colour else "", weight) if part)


def _apply(style: TextStyle, codes: str) -> TextStyle:
    for code in (int(c) if c.isdigit() else 0 for c in re.split("[;:]", codes)):
        if code == 0:
            style = TextStyle()
        elif code in (1, 22):
            style = replace(style, bold=code == 1)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, colour=_COLOURS[code % 10])
        elif code == 39:
            style = replace(style, colour="")
        elif code in (38, 48):  # 256 colours or true colour: the numbers that follow are not codes
            break
    return style


def runs(text: str) -> list[tuple[str, TextStyle]]:
    """Return the printable text as runs of the same style."""
    found: list[tuple[str, TextStyle]] = []
    style, at = TextStyle(), 0
    for control in _CONTROL.finditer(text):
        found.append((text[at : control.start()], style))
        at = control.end()
        if control["sgr"] is not None:
            style = _apply(style, control["sgr"])
    found.append((text[at:], style))
    return [(run, its_style) for run, its_style in found if run]


def plain(text: str) -> str:
    """Return the text without controls, line by line."""
    return "".join(run for run, _ in runs(_on_paper(text)))


def last_lines(text: str, count: int) -> str:
    """Return the last lines that are not blank, with their controls."""
    lines = _on_paper(text).split("\n")
    while lines and not plain(lines[-1]).strip():
        lines.pop()
    return "\n".join(lines[-count:])


def _on_paper(text: str) -> str:
    """Return the final lines, without what a carriage return or a backspace has overwritten.

    systemd's progress moves up (ESC M) and down again before each line, which has no effect.
    """
    text = re.sub(r"\x1bM\r*\n", "", text)
    lines = (_last_written(line.rstrip("\r")) for line in text.split("\n"))
    return "\n".join(lines)


def _last_written(line: str) -> str:
    while "\b" in line:
        line = re.sub(r"[^\b]?\x08", "", line, count=1)
    return next((part for part in reversed(line.split("\r")) if part), "")


def console(text: str, *, height_px: int = 640) -> Markup:
    """Return console text on a dark screen, in both themes."""
    inside = (span(run, style=style.css()) if style.css() else run for run, style in runs(_on_paper(text)))
    return el(
        "pre",
        *inside,
        style=f"{MONO};font-size:12px;line-height:1.4;margin:0;padding:12px 14px;max-height:{height_px}px;"
        f"overflow:auto;border-radius:8px;background-color:{_PAPER};color:{_INK};white-space:pre-wrap;word-break:break-word",
    )
