"""A small job with phases, for the views."""

import time
from typing import Any

from sbkernel.jobs.report import Report
from sbkernel.site import Site


def build(site: Site, *, report: Report, image: str, steps: int = 20, delay_s: float = 0.05) -> dict[str, Any]:
    """Take `steps` * `delay_s` seconds, and leave a file only if it was not cancelled."""
    with report.phase("download packages", 3):
        for done in range(3):
            time.sleep(delay_s)
            report.progress(done + 1, 3, f"lib{done}")
    with report.phase("install packages", steps):
        for done in range(steps):
            time.sleep(delay_s)
            report.progress(done + 1, steps, f"package-{done} <1.{done}>")
            report.log(f"Setting up package-{done} (1.{done}) ...")
    (site.root / f"{image}.built").touch()
    return {"image": image}
