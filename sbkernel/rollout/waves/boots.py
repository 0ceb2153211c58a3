"""What the boot log of one node says of a boot that was asked for: it has begun, is up, has failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.diagnosis.usual import attempts

_UP = frozenset({"userspace", "login", "booted"})
SLACK_S = 0.001
"""Times in our journal are rounded to this."""


class Seen(NamedTuple):
    """A boot: `began` in seconds since the epoch, the version that the node reported, and why it failed."""

    word: Literal["", "begun", "up", "failed"] = ""
    began: float = 0.0
    image: str = ""
    why: str = ""


NOTHING = Seen()


def seen(events: Sequence[BootEvent], since: float, wanted: str) -> Seen:
    """Return what is to be seen of the boot that was asked for at a time; `wanted` is a digest, "": any.

    It counts if it began since then, or if it has the wanted version: a node that booted just before it was set.
    """
    boots = attempts(events)
    if not boots:
        return NOTHING
    last = boots[-1]
    began, image = float(last[0]["t"]), next((str(e["image"]) for e in reversed(last) if e.get("image")), "")
    if began < since - SLACK_S and not (wanted and image == wanted):
        return NOTHING
    stages = {event["stage"] for event in last}
    if failed := next((event for event in last if event["stage"] == "failed"), None):
        return Seen("failed", began, image, str(failed.get("reason") or "the node gave no reason"))
    if not stages & _UP or ("postscripts" in stages and "booted" not in stages):
        return Seen("begun", began, image)
    if wrong := next((event for event in last if event.get("failed")), None):
        return Seen("failed", began, image, f"{wrong['stage']} failed: {wrong['failed']}")
    if wanted and image != wanted:
        return Seen("failed", began, image, f"it runs {image[:8] or 'a version that it does not name'} instead")
    return Seen("up", began, image)
