"""The rows `rebuild`: one package added to a published image, or removed, compared with our own build from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel.bench.clock import Phases, Spells, Spent, timed
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.samework import same_value
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import listing, unlike
from sbkernel.images.packimage import packimage

PACKAGE = "tree"
"""Small, in no list of ours, and asked for by name."""
OURS = "genimage and packimage of a published image {}"
PEER = "genimage with nothing cached, of the same packages"
GOALS = {False: Goal(0.1, "a tenth of a build"), True: Goal(0.05, "a twentieth of a build")}


@dataclass(frozen=True)
class Built:
    """What a build has made: how its packages came together, and what its tree is, path by path."""

    how: str
    tree: Mapping[str, str]
    spent: Spent
    phases: str


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare adding and removing one package with builds of the same two lists, packed whole and in layers."""
    site = work.site
    before = Path(site.osimages[COMPUTE_IMAGE].get("pkglist"))
    after = work.fresh("rebuild") / "after.pkglist"
    after.write_text(f"#INCLUDE:{before}#\n{PACKAGE}\n")
    lists = {"with one package added": after, "with one package removed": before}
    try:
        work.forget()
        cold = {what: _cold(work, pkglist, what) for what, pkglist in lists.items()}
        for layered in (False, True):
            packimage(site, COMPUTE_IMAGE, layered=layered, force=True)
            for what, pkglist in lists.items():
                yield _row(work, what, pkglist, cold[what], layered=layered)
    finally:
        site.set("osimage", COMPUTE_IMAGE, pkglist=str(before))


def _cold(work: Workspace, pkglist: Path, what: str) -> Built:
    """Build a list with nothing cached."""
    work.say(f"rebuild: genimage from nothing, to compare {what}")
    _ask_for(work, pkglist)
    work.forget()
    phases = Phases()
    spent = timed(lambda: work.build_cold(phases))
    return _built(work, spent, phases)


def _row(work: Workspace, what: str, pkglist: Path, cold: Built, *, layered: bool) -> BenchRow:
    work.say(f"rebuild: {what}{', layered' if layered else ''}")
    _ask_for(work, pkglist)
    _forget_others(work)
    phases = Phases()

    def ours() -> None:
        work.build_again(phases)
        packimage(work.site, COMPUTE_IMAGE, report=phases, layered=layered)

    built = _built(work, timed(ours), phases)
    checks = (
        Check("started from a layer", ok=built.how.startswith("from layer "), found=built.how),
        same_value("paths that differ", "; ".join(unlike(dict(cold.tree), dict(built.tree))) or "none", "none"),
    )
    name = f"rebuild: {what.removeprefix('with one ')}{', layered' if layered else ''}"
    words = OURS.format(what)
    spells = Spells((built.spent,), (cold.spent,))
    notes = (built.phases, spells.note)
    return BenchRow(name, words, PEER, spells.ours_s, spells.peer_s, checks, GOALS[layered], notes=notes)


def _ask_for(work: Workspace, pkglist: Path) -> None:
    work.site.set("osimage", COMPUTE_IMAGE, pkglist=str(pkglist))


def _layer(work: Workspace) -> tuple[Layers, str]:
    return Layers(work.site.cache / "layers"), str(work.built().record()["steps"]["packages"])


def _forget_others(work: Workspace) -> None:
    """Keep the layer of the published image alone: that of the other list would be found as it is."""
    layers, digest = _layer(work)
    for other in [name for name, _ in layers.every() if name != digest]:
        layers.remove(other)


def _built(work: Workspace, spent: Spent, phases: Phases) -> Built:
    layers, digest = _layer(work)
    facts = layers.facts(digest)
    return Built(facts["how"], listing(layers.tree(digest), int(facts["epoch"])), spent, phases.note)
