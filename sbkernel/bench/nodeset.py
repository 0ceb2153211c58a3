"""The rows `nodeset`: thousands of nodes set by one command, compared with writing and reading the same files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sbkernel.bench import manynodes
from sbkernel.bench.clock import Spells, Spent, timed
from sbkernel.bench.definitions import COMPILED
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import Workspace
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import BESIDE
from sbkernel.jobs.run import run
from sbkernel.netboot import bootfiles
from sbkernel.site import Site

COUNT, MANY = 10_000, 50_000
IMAGE, OTHER = "bench-one", "bench-other"
WITHIN_S = {"new nodes": 2.0, "another image": 2.0, "unchanged": 1.0}
"""Seconds that 10,000 nodes may take, on an idle machine."""
GROWTH = Goal(1.2, "linear")


@dataclass
class Field:
    """A site with so many nodes, and the floor beside it."""

    work: Workspace
    count: int
    names: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Return the directory of the site."""
        return self.work.root / f"nodeset{self.count}"

    def sb(self, *words: str, stdin: str | None = None) -> None:
        """Run a verb as a whole process."""
        with (self.work.root / "nodeset.out").open("wb") as out:
            run(
                [sys.executable, "-m", "sbkernel.cli", "--site", str(self.root), *words],
                env=COMPILED,
                input=stdin,
                stdout=out,
            )

    def prepare(self) -> None:
        """Define the nodes, and publish two small images."""
        self.work.fresh(self.root.name)
        self.sb("mkdef", "-z", stdin=manynodes.stanza_text(self.count))
        self.sb("chdef", "-t", "site", "clustersite", "master=10.0.0.1")
        with Site.open(self.root) as site:
            self.names = list(site.nodes)
            for image in (IMAGE, OTHER):
                site.set(
                    "osimage", image, imagetype="linux", osvers="debian12", osarch="x86_64", profile=image,
                    provmethod="netboot",
                )  # fmt: skip
                _publish(site, image)

    def nodeset(self, image: str) -> None:
        """Set all nodes."""
        self.sb("nodeset", manynodes.whole_range(self.count), f"osimage={image}")

    def files(self) -> dict[str, bytes]:
        """Return what lies below boot/nodes and boot/by-mac by now."""
        with Site.open(self.root) as site:
            found = [path for name in ("nodes", "by-mac") for path in (site.boot / name).iterdir()]
            return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}

    def boots(self, image: str) -> Check:
        """Check that every node boots an image."""
        with Site.open(self.root) as site:
            digest = Catalog(site).pointers(image).current
            right = sum(bootfiles.version(site.boot, name) == digest for name in self.names)
        return Check(f"nodes that boot {image}", ok=right == self.count, found=f"{right} of {self.count}")


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Measure one command for 10,000 nodes, then how its processor time grows to 50,000."""
    few, spent = Field(work, COUNT), dict[str, Spent]()
    few.prepare()
    boot, before = few.root / "boot", dict[str, bytes]()
    for what, image in (("new nodes", IMAGE), ("another image", OTHER), ("unchanged", OTHER)):
        work.say(f"nodeset: {COUNT} nodes, {what}")
        spent[what] = timed(lambda image=image: few.nodeset(image))  # type: ignore[misc]
        after = few.files()
        # Each floor has a place of its own: some file systems are slow for minutes where files were removed.
        place = work.fresh(f"floor of {what}")
        floor = timed(lambda before=before, after=after, place=place: _floor(boot, place, before, after))  # type: ignore[misc]
        spells = Spells((spent[what],), (floor,))
        yield BenchRow(
            f"nodeset: {what}", f"sb nodeset of {COUNT} nodes, whole process",
            "reading the same files, and writing those that change",
            spells.ours_s, spells.peer_s, (few.boots(image),),
            notes=(spells.note, f"at most {WITHIN_S[what]:g} s on an idle machine"),
        )  # fmt: skip
        before = after
    yield _growth(work, spent)


def _growth(work: Workspace, few: dict[str, Spent]) -> BenchRow:
    many = Field(work, MANY)
    work.say(f"nodeset: {MANY} nodes")
    many.prepare()
    spent = timed(lambda: many.nodeset(IMAGE))
    scaled = few["new nodes"].cpu_s * MANY / COUNT
    return BenchRow(
        "nodeset: growth", f"processor time for {MANY} nodes", f"that of {COUNT}, times {MANY // COUNT}",
        (spent.cpu_s,), (scaled,), (many.boots(IMAGE),), GROWTH,
    )  # fmt: skip


def _publish(site: Site, image: str) -> None:
    catalog = Catalog(site)
    with catalog.staging() as staged:
        for name in ("root.squashfs", *BESIDE):
            (staged.path / name).write_text("[]" if name.endswith(".json") else image)
            staged.add(name)
        catalog.publish(staged, {"image": image, "kernelver": "6.1", "packages": 0})


def _floor(boot: Path, place: Path, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Read every file below boot/, and write those that are others than before to a place.

    Those that were there before are written beside and renamed, and new ones by one call in their place; one that says
    what another said is linked.
    """
    for name in {path.partition("/")[0] for path in after}:
        (place / name).mkdir()
    written: dict[bytes, str] = {}
    for name, content in after.items():
        (boot / name).read_bytes()
        if before.get(name) == content:
            continue
        target = str(place / name)
        beside = f"{target}.new" if name in before else target
        if content in written:
            os.link(written[content], beside)
        else:
            descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644)
            os.write(descriptor, content)
            os.close(descriptor)
            written[content] = target
        if beside != target:
            os.replace(beside, target)  # noqa: PTH105 - a floor: paths of pathlib cost more than the call
