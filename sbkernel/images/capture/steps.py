"""The steps of imgcapture: receive the tree, make it one of any node, then kernel, initrd, manifest as of any image."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sbkernel import resources
from sbkernel.errors import NotFoundError
from sbkernel.images.capture.chosen import Chosen
from sbkernel.images.capture.fstab import stateless
from sbkernel.images.capture.kernel import bring_kernel, index_modules
from sbkernel.images.capture.look import Look
from sbkernel.images.capture.receive import receive
from sbkernel.images.capture.source import Source
from sbkernel.images.capture.target import Target
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.plan import Facts, Step, Work
from sbkernel.images.rootimgdir import MANIFEST, TREE
from sbkernel.images.steps import boot_steps
from sbkernel.images.tree import installed
from sbkernel.images.tree.configure import Configuration, configure, stateless_files
from sbkernel.images.tree.fstab import choose_fstab, read_fstab
from sbkernel.site import Site

RECEIVE, OWN = "receive", "own"


@dataclass(frozen=True)
class Capture:
    """One run of imgcapture: what is taken from where, as which osimage, and when (seconds since the epoch)."""

    site: Site
    source: Source
    look: Look
    chosen: Chosen
    target: Target
    t: float

    @property
    def booted(self) -> ImageVersion | None:
        """Return the version that the node had booted; None if it is none that the catalog has."""
        with suppress(NotFoundError):
            return Catalog(self.site).get(self.look.booted) if self.look.booted else None
        return None


def capture_steps(capture: Capture) -> tuple[Step, ...]:
    """Return all steps, in order."""
    return (
        receive_step(capture),
        own_step(capture),
        *boot_steps(capture.target, OWN),
        manifest_step(capture),
    )


def receive_step(capture: Capture) -> Step:
    """Return the step that brings the tree here. What runs changes all the time: its outcome is never there before."""
    chosen, source, booted = capture.chosen, capture.source, capture.booted

    def run(work: Work) -> None:
        receive(source, chosen, work.target, work.report)
        bring_kernel(work.target, source.name, capture.look.kernel, booted, int(capture.t), work.report)

    data = {"node": source.name, "t": capture.t}
    what = f"{len(chosen.files)} files"
    title = f"capture {source.name}"
    return Step(RECEIVE, title, data, "tree", TREE, summary=what, total=chosen.size, always=True, run=run)


def own_step(capture: Capture) -> Step:
    """Return the step that takes out of the tree what is left of the node, and makes it a stateless root."""

    def run(work: Work) -> Facts:
        tree = work.target
        default = choose_fstab(capture.site, capture.target)[0]
        text, gone = stateless((read_fstab(tree) or b"").decode(errors="replace"), default)
        for line in gone:
            work.report.log(f"fstab without {line}")
        configure(tree, _configuration(capture.target, text), int(capture.t), work.report)
        index_modules(tree, capture.target.kernelver, work.report)
        return {}

    return Step(OWN, "remove what is the node's own", None, "tree", TREE, on=(RECEIVE,), run=run)


def _configuration(target: Target, fstab: str) -> Configuration:
    """Return what makes a captured root stateless; files that were edited on the node stay as they are."""
    image = resources.templates() / "image"
    script = b"".join((image / name).read_bytes() for name in ("configure.sh", "captured.sh"))
    return Configuration({"etc/fstab": fstab.encode()}, stateless_files(target.interfaces), script)


def manifest_step(capture: Capture) -> Step:
    """Return the step that writes down which packages came along."""

    def run(work: Work) -> dict[str, Any]:
        found = installed.of_record(work.path(TREE), capture.target.image, {})
        work.target.write_text(found.to_json())
        return {"packages": len(found)}

    return Step("manifest", "list the packages", None, "file", MANIFEST, on=(OWN,), beside=True, run=run)
