"""The main job as one command: a real image, from package list to login prompt, with a record of each step.

It runs the notebooks of the flow, unchanged, through papermill, and says what happens as the jobs and the boot log
of the node show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sbkernel.errors import RecordError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootlog
from sbkernel.records.follow import ProgressFollower
from sbkernel.records.run import Record, run_notebook
from sbkernel.service.client import Service
from sbkernel.service.verbs import console_tail, rpower
from sbkernel.site import Site

PARENT = "debian12-x86_64-netboot-compute"
IMAGE = "mycomputeimage"
NODE = "vn1"

Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo ended with."""

    records: tuple[Record, ...]
    published: str  # digest of the image in the catalog
    reported: str  # digest that the node says it runs
    prompt: str  # last line of its serial console
    seconds: float


def flow(image: str, node: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the notebooks of the main job with their parameters, in order."""
    return [
        ("define", {"source": PARENT, "image": image}),
        ("build", {"image": image}),
        ("boot", {"image": image, "nodes": node, "virtual": True}),
    ]


def demo(site: Site, say: Say, *, image: str = IMAGE, node: str = NODE) -> DemoOutcome:
    """Define, build and boot `image` on the virtual node `node`; return what came of it.

    Costs minutes the first time; an unchanged image is not built again. The node runs on when it ends well; a
    failure powers it off. Raises RecordError when a notebook fails.
    """
    began = time.monotonic()
    records: list[Record] = []
    try:
        for notebook, parameters in flow(image, node):
            records.append(run_step(site, say, node, notebook, parameters))
    except BaseException:
        tidy(site, node)
        raise
    return outcome(site, image, node, tuple(records), time.monotonic() - began)


def run_step(site: Site, say: Say, node: str, notebook: str, parameters: Mapping[str, Any]) -> Record:
    """Run one notebook and say how it goes; raises RecordError with the path of the record when it fails."""
    say(f"{notebook}: {', '.join(f'{key}={value}' for key, value in parameters.items())}")
    with ProgressFollower(site, node, lambda line: say(f"  {line}")):
        record = run_notebook(site, notebook, parameters)
    say(f"  {record.seconds:6.1f} s  {notebook} {record.status}, record {record.path_html}")
    if not record.ok:
        why = f": {record.error}" if record.status == "failed" else ""
        raise RecordError(f"{notebook} {record.status}{why}", hint=f"its record: {record.path_html}")
    return record


def outcome(site: Site, image: str, node: str, records: tuple[Record, ...], seconds: float) -> DemoOutcome:
    """Collect what the node reported and what its console shows."""
    reported = [event["image"] for event in bootlog.read(site, node) if event.get("image")]
    return DemoOutcome(
        records=records,
        published=Catalog(site).current(image).digest,
        reported=reported[-1] if reported else "",
        prompt=prompt_line(console_tail(site, node, 40)),
        seconds=seconds,
    )


def prompt_line(console: str) -> str:
    """Return the last line of a console text that holds a login prompt, or ""."""
    return next((line.strip() for line in reversed(console.splitlines()) if "login:" in line), "")


def tidy(site: Site, node: str) -> None:
    """Power the node off and stop the service, so that a failed demo leaves nothing running."""
    service = Service(site)
    if node in site.nodes and service.status():
        rpower(site, node, "off")
    service.stop()
