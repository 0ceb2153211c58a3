"""Jobs of tests of %sb."""

import time
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.jobs.report import Report
from sbkernel.site import Site


def patient(site: Site, *, report: Report, image: str) -> dict[str, Any]:
    with report.phase("wait"):
        while True:
            time.sleep(0.05)


def bad(site: Site, *, report: Report, image: str) -> None:
    with report.phase("install"):
        raise BuildError("no disk", hint="buy one")
