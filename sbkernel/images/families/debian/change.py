"""Change the packages of a tree that was built before: dpkg of the tree purges, unpacks and configures a few."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.archives import repository
from sbkernel.images.families.debian.change_parts import Tree, part_of
from sbkernel.images.families.debian.change_rules import objection
from sbkernel.images.families.debian.install import newest, refuse_difference
from sbkernel.images.families.debian.level import leveling
from sbkernel.images.families.debian.mmdebstrap import SCRIPTS
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.resolved import Change, NotFetchedError, Resolution
from sbkernel.images.layers.over import Linking, changing
from sbkernel.images.tree.namespaces import enter, scripts_environment
from sbkernel.images.tree.scripts import Call
from sbkernel.jobs.report import Report
from sbkernel.packages.readers.deb import dpkg

_DAY_S = 86400


def why_clean(change: Change, wanted: Resolution, base: Path, downloads: Downloads) -> str:
    """Say why this change of a tree would not give what a build gives; empty if it would."""
    if change.not_asked and (needed := sorted(change.not_asked & records.base_with_needs(wanted.packages))):
        return f"{needed[0]} was asked for, and the base system needs it"
    if absent := [one for one in change.coming if not downloads.path(one).is_file()]:
        raise NotFetchedError(absent[0])
    tree = Tree(base)
    with ThreadPoolExecutor() as beside:
        reading = beside.map(lambda one: part_of(one, downloads.path(one), tree), change.coming)
        tree.read()
        coming = [*reading]
    leaving = [tree.part(name) for name in sorted(change.leaving_names)]
    changed = {one.name for one in (*coming, *leaving)}
    return objection(coming, leaving, tree.world([*coming, *leaving], changed))


def change_tree(
    change: Change,
    wanted: Resolution,
    downloads: Downloads,
    release: DebianRelease,
    asked: Iterable[str],
    base: Path,
    tree: Path,
    report: Report,
    linking: Linking | None = None,
) -> dict[str, Any]:
    """Make `tree` of `base` and the packages that come and leave; return the same facts as install()."""
    epoch = newest(downloads.path(one) for one in wanted.packages)
    script = resources.templates() / "families" / "debian" / "change.sh"
    env = scripts_environment({**SCRIPTS, "SOURCE_DATE_EPOCH": str(epoch)})
    then = _leveling(change, {*asked}, release, epoch, tree)
    with (
        repository(change.coming, downloads, release.codename, tree.with_name("packages")) as place,
        changing(base, tree, report, linking, then) as view,
    ):
        newer = f"@{change.old_epoch}" if epoch > change.old_epoch else ""
        argv = ["sh", str(script), str(view.tree), str(place), newer, *sorted(change.gone)]
        try:
            enter(view.tree, argv, env=env, on_line=report.log, before=view.within)
        except CommandError as error:
            raise BuildError(f"the packages could not be changed:\n{error.tail}") from error
    _check(wanted, tree)
    return {"epoch": epoch, "packages": [str(one) for one in wanted.kept]}


def _leveling(change: Change, asked: set[str], release: DebianRelease, epoch: int, tree: Path) -> list[Call]:
    """Return the scripts that make of a tree of the new packages what a build makes of one."""
    coming = {one.name for one in change.coming}
    return leveling(
        tree,
        epoch,
        automatic=sorted((coming - asked) | change.not_asked),
        not_automatic=sorted(change.leaving_names | change.now_asked | (coming & asked)),
        architecture=release.architecture,
        days=[change.old_epoch // _DAY_S, epoch // _DAY_S],
    )


def _check(wanted: Resolution, tree: Path) -> None:
    """Raise BuildError unless exactly the wanted packages are in a tree, each of them whole."""
    refuse_difference(wanted.kept, tree)
    if odd := dpkg.packages((tree / dpkg.STATUS).read_text(errors="replace"))[1]:
        raise BuildError(f"after the change {odd[0]}")
