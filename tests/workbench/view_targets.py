"""What the jobs of these tests run."""

from typing import Any

from sbkernel.errors import BuildError
from sbkernel.jobs.report import Report
from sbkernel.site import Site


def good(site: Site, *, report: Report, image: str) -> dict[str, Any]:
    with report.phase("install <all>", 2):
        report.progress(2, text="vim")
        report.log("Setting up vim")
    return {"digest": "ab" * 32}


def bad(site: Site, *, report: Report) -> None:
    with report.phase("install"):
        raise BuildError("no disk")


def nothing(site: Site, *, report: Report, image: str) -> dict[str, Any]:
    return {"built": [], "cached": ["packages"]}
