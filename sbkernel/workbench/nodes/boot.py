"""Show how a node has booted: its timeline and the end of its console."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

from sbkernel.netboot import bootlog
from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.diagnosis.seen import Diagnosis
from sbkernel.netboot.timeline import timeline as timeline_rows
from sbkernel.service.stuck import BootLooks
from sbkernel.site import Site
from sbkernel.units import seconds, size
from sbkernel.workbench import charts
from sbkernel.workbench.displays.stuck import TONES, because
from sbkernel.workbench.html import card, chip, heading, mono, muted
from sbkernel.workbench.nodes import ansi
from sbkernel.workbench.nodes.shortened import mended
from sbkernel.workbench.panel import Shown

_TAIL_BYTES = 64 * 1024


def timeline(site: Site, node: str) -> Shown:
    """Show the stages of a node's last boot on one axis, counted from power-on."""
    events = bootlog.read(site, node)
    rows = timeline_rows(events)
    text = "\n".join(f"{row.stage:<10} {row.seconds:7.1f} s  {row.detail}" for row in rows)
    found = BootLooks(site).at([node]).nodes[0] if rows else None
    if found and not found.is_well:
        text += f"\n{found}"
    return Shown(card_of(node, events, found), text or f"{node}: has not booted yet")


def card_of(node: str, events: list[BootEvent], found: Diagnosis | None = None) -> Markup:
    """Return the timeline of one boot, and below it why the boot does not go on, if that was found."""
    rows = timeline_rows(events)
    if not rows:
        return card(heading(node, muted("has not begun to boot")))
    stage, after = last(events)
    bars = charts.timeline([(row.stage, row.seconds, row.delta, _detail(row.detail)) for row in rows])
    state = chip(found.state, TONES[found.state]) if found and not found.is_well and stage != "failed" else None
    return card(
        heading(f"Boot of {node}", state, chip(stage, tone(stage)), muted(after)),
        bars,
        because(found) if found else None,
    )


def last(events: list[BootEvent]) -> tuple[str, str]:
    """Return the last stage of a boot and its time; empty strings before it begins."""
    rows = timeline_rows(events)
    return (rows[-1].stage, seconds(rows[-1].seconds)) if rows else ("", "")


def _detail(text: str) -> str:
    return re.sub(r"\bbytes (\d+)", lambda found: size(int(found[1])), text)


def tone(stage: str) -> str:
    """Return the tone of a boot stage."""
    return {"failed": "bad", "login": "ok", "userspace": "ok", "": "quiet"}.get(stage, "busy")


def console_lines(site: Site, node: str, count: int = 24) -> Shown:
    """Show the last lines that a node wrote to its console."""
    path = site.consoles / f"{node}.log"
    text = ansi.last_lines(mended(tail(path)).decode(errors="replace"), count)
    if not text:
        return Shown(card(heading(node, muted("its console has shown nothing"))), f"{node}: no console output")
    shown = card(heading(f"Console of {node}", mono(path)), ansi.console(text))
    return Shown(shown, ansi.plain(text))


def tail(path: Path, limit: int = _TAIL_BYTES) -> bytes:
    """Return the end of a file, at most `limit` bytes; b"" if there is no file."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - limit))
            return stream.read()
    except FileNotFoundError:
        return b""
