"""What the jobs of the tests run."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.site import Site


def good(site: Site, *, report: Report, units: int = 3) -> dict[str, Any]:
    with report.phase("count", total=units):
        for unit in range(units):
            report.progress(unit + 1)
            report.log(f"unit {unit + 1}")
    report.result(site=str(site.root))
    return {"units": units}


def bad(site: Site, *, report: Report) -> None:
    with report.phase("break"):
        raise BuildError("the build broke", hint="mend it")


def bug(site: Site, *, report: Report) -> None:
    raise KeyError("x")


def slow(site: Site, *, report: Report, marker: str, isolated: bool = False) -> None:
    """Run a program with a grandchild until cancelled, then clean up."""
    script = f"sleep 300 & echo $! >{marker}.pid; echo started >{marker}; exec sleep 301"
    with report.phase("sleep"):
        try:
            run(["sh", "-c", script], isolated=isolated)
        finally:
            Path(f"{marker}.cleaned").touch()


def slow_after_a_phase(site: Site, *, report: Report, marker: str) -> None:
    with report.phase("first"):
        pass
    slow(site, report=report, marker=marker)


def stubborn(site: Site, *, report: Report, marker: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(marker).write_text(f"{os.getpid()}\n")
    while True:
        time.sleep(1)


def die(site: Site, *, report: Report) -> None:
    report.log("about to die")
    os.kill(os.getpid(), signal.SIGKILL)


def many(site: Site, *, report: Report, count: int) -> None:
    for number in range(count):
        report.result(last=number)


def echo(site: Site, *, report: Report, **given: Any) -> dict[str, Any]:
    """Return what was handed over."""
    return given


def shout(site: Site, *, report: Report, inputs: Mapping[str, Path], marker: str = "") -> None:
    """Make an artefact of every input: its text in capitals."""
    Path(marker or os.devnull).write_text("ran")
    work = Path("work")
    for name, file in inputs.items():
        work.write_text(file.read_text().upper())
        report.artefact(name, work)
        work.write_text("written over once it was handed over")


def litter(site: Site, *, report: Report, marker: str, then: str) -> None:
    """Leave a process behind that no run() knows of, and end badly."""
    subprocess.Popen(["sh", "-c", "exec sleep 300"])
    Path(marker).touch()
    if then == "fail":
        raise BuildError("the build broke")
    while True:
        time.sleep(1)


def origin(site: Site, report: Report) -> dict[str, Any]:
    from sbkernel.jobs import origin

    return {**origin.current().as_dict(), "inherited": os.environ.get(origin.RECORD, "")}
