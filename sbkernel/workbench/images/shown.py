"""Show what a build will do, and the packages of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.plan import Planned
from sbkernel.units import size
from sbkernel.workbench.charts import sizes
from sbkernel.workbench.html import card, chip, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

if TYPE_CHECKING:
    import pandas as pd


def plan(planned: Planned) -> Shown:
    """Show the steps of genimage, and which of them would run."""
    pending = {step.name for step in planned.pending}
    rows = [
        (
            chip("run", "busy") if step.name in pending else chip("done", "ok"),
            step.title,
            step.summary,
            mono(planned.plan.digests[step.name][:12]),
        )
        for step in planned.plan
    ]
    said = f"{len(pending)} of {len(rows)} steps to run" if pending else "nothing to do"
    said += f"; packages: {planned.layer}" if planned.layer else ""
    shown = card(heading(f"Plan for {planned.plan.image}", muted(said)), table(["", "step", "from", "digest"], rows))
    return Shown(shown, str(planned), {"image": planned.plan.image, "plan": planned.plan.digest})


def packages(version: ImageVersion) -> pd.DataFrame:
    """Return the packages of an image, the largest first. `size` is in bytes on disk."""
    import pandas as pd

    frame = pd.DataFrame(package.as_dict() for package in version.manifest)
    return frame.sort_values("size", ascending=False, ignore_index=True) if len(frame) else frame


def weights(version: ImageVersion, count: int = 12) -> Shown:
    """Show the largest packages of an image as bars."""
    largest = sorted(version.manifest, key=lambda package: -package.size_bytes)[:count]
    text = "\n".join(f"{package.name} {size(package.size_bytes)}" for package in largest)
    return Shown(sizes((package.name, package.size_bytes) for package in largest), text)
