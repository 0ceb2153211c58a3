"""What a capture would take of a node, and what one has taken."""

from __future__ import annotations

from sbkernel.images.capture.captured import Captured
from sbkernel.images.imgcapture import CapturePlan
from sbkernel.units import size
from sbkernel.workbench.html import card, div, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

_ROWS = 400


def plan(planned: CapturePlan) -> Shown:
    """Show how much is taken, what is left out by the reason, and what whoever captures should know."""
    taken = f"{len(planned.chosen.files)} files, {size(planned.chosen.size)}"
    rows = [(muted("left out"), f"{what} ({count})") for what, count in sorted(planned.chosen.left_out.items())]
    rows += [(muted("exlist"), mono(path)) for path in planned.lists]
    rows += [(muted("remark"), text) for text in planned.remarks]
    return Shown(card(heading(f"Capture as {planned.target.image}", muted(taken)), table(["", ""], rows)), str(planned))


def captured(found: Captured) -> Shown:
    """Show from where it came, and the files that had changed there."""
    rows = [(one.change, mono(one.path), size(one.new_size or one.old_size)) for one in found.changes]
    more = len(rows) - _ROWS
    text = str(found)
    files = table(["", "file", "size"], rows[:_ROWS], numeric=(2,))
    shown = card(
        heading(
            text[:1].upper() + text[1:], muted(f"{len(rows)} files had changed" if found.of else "nothing to compare")
        ),
        div(files, style="max-height:380px;overflow:auto") if rows else None,
        muted(f"and {more} more, in the frame") if more > 0 else None,
    )
    return Shown(shown, text, {"node": found.node})
