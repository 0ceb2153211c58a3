"""Show how a node booted: its timeline, and the end of its console."""

from __future__ import annotations

from pathlib import Path

from sbkernel.netboot import bootlog
from sbkernel.netboot.timeline import timeline as timeline_rows
from sbkernel.site import Site
from sbkernel.workbench import ansi, charts
from sbkernel.workbench.html import card, chip, heading, mono, muted
from sbkernel.workbench.panel import Shown

_TAIL_BYTES = 64 * 1024


def timeline(site: Site, node: str) -> Shown:
    """Show the stages of a node's last boot on one axis, counted from power-on."""
    rows = timeline_rows(bootlog.read(site, node))
    if not rows:
        return Shown(card(heading(node, muted("has not booted yet"))), f"{node}: has not booted yet")
    last = rows[-1]
    tone = {"failed": "bad", "login": "ok"}.get(last.stage, "busy")
    bars = charts.timeline([(row.stage, row.seconds, row.delta, row.detail) for row in rows])
    shown = card(heading(f"Boot of {node}", chip(last.stage, tone), muted(f"{last.seconds:.1f} s")), bars)
    text = "\n".join(f"{row.stage:<10} {row.seconds:7.1f} s  {row.detail}" for row in rows)
    return Shown(shown, text, {"node": node, "seconds": round(last.seconds, 1)})


def console_lines(site: Site, node: str, count: int = 40) -> Shown:
    """Show the last lines that a node wrote to its console."""
    path = site.consoles / f"{node}.log"
    text = ansi.last_lines(tail(path).decode(errors="replace"), count)
    if not text:
        return Shown(card(heading(node, muted("nothing was heard on its console"))), f"{node}: no console output")
    shown = card(heading(f"Console of {node}", mono(path)), ansi.console(text))
    return Shown(shown, ansi.plain(text))


def tail(path: Path, limit: int = _TAIL_BYTES) -> bytes:
    """Return the end of a file, at most `limit` bytes; nothing if there is no such file."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - limit))
            return stream.read()
    except FileNotFoundError:
        return b""
