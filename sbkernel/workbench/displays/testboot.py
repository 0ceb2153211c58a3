"""The verdict of a test boot as a card."""

from __future__ import annotations

from sbkernel.images.catalog.reference import Reference, short
from sbkernel.rollout.testboot.checks import Check
from sbkernel.rollout.testboot.verdicts import Verdict
from sbkernel.workbench.html import card, chip, details, div, heading, log, mono, muted, table
from sbkernel.workbench.panel import Shown


def verdict(shown: Verdict) -> Shown:
    """Show every check, and below it the end of the console."""
    name = str(Reference(shown.image, short(shown.digest)))
    who = f"{shown.mark.partition(' ')[2]}, by {shown.by} on {shown.host}"
    checks = table(["", "check", "found"], map(_check, shown.checks))
    console = details("the end of its console", log(shown.console, height_px=260)) if shown.console else None
    card_ = card(heading(f"Test boot of {name}", chip(*_state(shown)), muted(who)), checks, console)
    return Shown(card_, str(shown), {"image": shown.image, "digest": shown.digest})


def _check(one: Check) -> tuple[object, ...]:
    output = "" if one.ok else "".join(f"\n{line}" for line in one.output)
    found = div(one.said, mono(output) if output else "", style="white-space:pre-wrap")
    return chip("ok", "ok") if one.ok else chip("failed", "bad"), one.name, found


def _state(shown: Verdict) -> tuple[str, str]:
    return ("good", "ok") if shown.passed else ("failed", "bad")
