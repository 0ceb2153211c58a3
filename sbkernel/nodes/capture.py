"""Capture the root of a node as an image, over ssh; images/imgcapture.py decides what of it, and makes the image."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sbkernel.errors import BuildError, CommandError, NodeError, NotFoundError
from sbkernel.images import manifests
from sbkernel.images.capture.captured import captured
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import parse
from sbkernel.images.imgcapture import CapturePlan, imgcapture, plan_imgcapture
from sbkernel.jobs.job import Job, submit
from sbkernel.jobs.launchers import HERE
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import PIPE, Process, end, run
from sbkernel.jobs.spawn import spawn_here
from sbkernel.netboot import overlay
from sbkernel.nodes.ssh import Way, reaching
from sbkernel.packages.diff import attention
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.site import Site

TARGET = "sbkernel.nodes.capture:capture"
LOOK_TIMEOUT_S = 900.0
LOOK_BYTES = 4 << 30
"""What a node may say of itself: about 100 bytes a path."""
_CHANGES = (
    "Cannot stat: No such file or directory", "Cannot open: No such file or directory",
    "file changed as we read it", "File removed before we read it",
    "File shrank by", ": Warning: ", "Exiting with failure status due to previous errors",
)  # fmt: skip
"""What tar(1) says there of files that are gone, or written to, while it reads them; it then ends with 1 or 2."""
_NO_ATTRIBUTES = re.compile(r"Warning: Cannot \w*xattr\w*: Operation not supported")


def order_capture(site: Site, node: str, image: str, *, on: str = HERE, **options: Any) -> Job:
    """Order the capture of a node as a job at the place `on`; `options` are those of capture."""
    check_one(site, node)
    return submit(site, Order("imgcapture", TARGET, {"node": node, "image": image, **options}), on=on)


def capture(
    site: Site, node: str, image: str, *, mounts: Sequence[str] = (), report: Report | None = None, **given: str
) -> dict[str, Any]:
    """Capture the root of a running node, diskful or diskless, as an osimage; packimage packs it as any other.

    `mounts` are mount points on the node that belong to its root. `given` are profile, nodebootif and netdrivers. A
    missing osimage is made as a clone of the one that the node boots. Returns and raises as images.imgcapture does,
    and NotFoundError for an unknown node.
    """
    running = RunningNode(site, check_one(site, node))
    return imgcapture(site, running, image, parent=running.image, crossed=mounts, report=report, **given)


def plan_capture(site: Site, node: str, image: str, *, mounts: Sequence[str] = (), **given: str) -> CapturePlan:
    """Return what a capture would take of a node; nothing is changed. Raises as capture does before that."""
    running = RunningNode(site, check_one(site, node))
    return plan_imgcapture(site, running, image, parent=running.image, crossed=mounts, report=None, **given)


def packages(site: Site, image: str) -> Diff:
    """Return which packages of a captured image differ from those of the version that the node had booted.

    Raises NotFoundError when it was not captured, or that version is gone.
    """
    found = captured(site, image)
    if not found.of:
        raise NotFoundError(f"{found.node} had booted no image of this site when it was captured")
    before = dataclasses.replace(manifests.of_version(Catalog(site).find(found.of)), name=found.of)
    return diff(before, manifests.of_build(site, image), attention.of_site(site))


def check_one(site: Site, word: str) -> str:
    """Return the one node that a word names. Raises NotFoundError, also when it names several."""
    names = site.noderange(word)
    if len(names) != 1:
        raise NotFoundError(f"one node is captured at a time, and {word} is {' '.join(names) or 'none'}")
    return names[0]


@dataclass(frozen=True)
class RunningNode:
    """A node that runs, reached over ssh as root."""

    site: Site
    name: str

    @property
    def brought(self) -> frozenset[str]:
        """Return what nodeset has the initrd lay over the image."""
        return overlay.paths()

    @property
    def image(self) -> str:
        """Return the osimage that the node boots, "" if none."""
        return parse(self.site.nodes[self.name].get("provmethod")).image

    def ask(self, script: str) -> bytes:
        """Run a script of sh on the node and return what it wrote. Raises NodeError."""
        output = bytearray()

        def take(chunk: bytes) -> None:
            if len(output) + len(chunk) > LOOK_BYTES:
                raise NodeError(self.name, "the list of its files has no end", hint="is it the node that you mean?")
            output.extend(chunk)

        with reaching(self.site, self.name) as way:
            try:
                run(way.argv(), input=script, sink=take, timeout_s=LOOK_TIMEOUT_S)
            except CommandError as error:
                raise way.error(error) from error
        return bytes(output)

    @contextmanager
    def stream(self, command: str, given: Path) -> Iterator[NodeStream]:
        """Run a command of sh on the node, with a file as its standard input; it ends with the block at the latest."""
        with reaching(self.site, self.name) as way, given.open("rb") as names, tempfile.TemporaryFile() as said:
            process = spawn_here(way.argv(command), stdin=names, stdout=PIPE, stderr=said)
            try:
                yield NodeStream(way, process, said)
            finally:
                end(process, grace_s=1)


@dataclass(frozen=True)
class NodeStream:
    """What a command on a node writes, while it runs."""

    way: Way
    process: Process
    said: IO[bytes]

    @property
    def output(self) -> IO[bytes]:
        """Return its standard output."""
        if self.process.stdout is None:
            raise BuildError("the node's output was not asked for")
        return self.process.stdout

    def finish(self) -> list[str]:
        """Wait for its end and return its standard error; NodeError when it failed for another reason than changes."""
        self.output.close()  # who still sends must not wait for us
        status = self.process.wait()
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").splitlines()
        told = [line for line in lines if line.startswith("tar:")]
        faults = [line for line in told if not any(one in line for one in _CHANGES)]
        if status == 0 or (status in (1, 2) and told and not faults):
            return [line for line in lines if not _NO_ATTRIBUTES.search(line)]
        error = CommandError(self.way.argv(), status, "\n".join(faults[:1] or lines))
        if status < 0:
            raise NodeError(self.way.node, "the connection was cut while it was captured", hint="try again")
        raise self.way.error(error)
