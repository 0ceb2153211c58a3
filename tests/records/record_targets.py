"""What the jobs of these tests run."""

import time
from typing import Any

from sbkernel.jobs.report import Report
from sbkernel.site import Site


def slow(site: Site, *, report: Report, image: str = "") -> None:
    with report.phase("wait", 600):
        for second in range(600):
            report.progress(second)
            time.sleep(0.1)


def quick(site: Site, *, report: Report, image: str) -> dict[str, Any]:
    with report.phase("build"):
        report.log("built")
    return {"digest": "ab" * 32}
