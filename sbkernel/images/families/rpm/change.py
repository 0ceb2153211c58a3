"""Change the packages of a tree that was built before: rpm erases, updates and installs a few, and all else stays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made, write_whole
from sbkernel.images.families.change_rules import Entry, World
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.resolved import Change, NotFetchedError, Resolution, Resolved
from sbkernel.images.families.rpm import records
from sbkernel.images.families.rpm.canonical import make_canonical
from sbkernel.images.families.rpm.change_rules import Part, Scene, Script, Spoken, Trigger, objection
from sbkernel.images.families.rpm.database import FILE, macros
from sbkernel.images.families.rpm.install import LAID_OUT, facts, refuse_difference
from sbkernel.images.families.rpm.releases import RpmRelease
from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.layers.over import Linking, changing
from sbkernel.images.tree.namespaces import enter, remove_tree, scripts_environment
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

_DAY_S = 86400


def why_clean(change: Change, wanted: Resolution, release: RpmRelease, base: Path, downloads: Downloads) -> str:
    """Say why this change of a tree would not give what a build gives; empty if it would."""
    if not (base / release.database / FILE).is_file():
        return f"rpm of the image keeps its packages as {release.backend}, whose files differ from build to build"
    if absent := [one for one in change.coming if not downloads.path(one).is_file()]:
        raise NotFetchedError(absent[0])
    last = max((records.pass_of(one) for one in wanted.packages), default=0)
    asked = {
        "root": str(base),
        "database": release.database,
        "coming": [str(downloads.path(one)) for one in change.coming],
        "leaving": list(change.leaving),
        "alone": [str(one) for one in wanted.packages if records.pass_of(one) < last],
        "laid_out": [f"/{name}" for name in LAID_OUT],
    }
    seen = json.loads(run([interpreter(), "-I", str(script("look.py"))], input=json.dumps(asked), isolated=True).stdout)
    return objection([*map(_part, seen["coming"])], [*map(_part, seen["leaving"])], scene(seen))


def scene(seen: Mapping[str, Any]) -> Scene:
    """Return what was seen around a change."""
    staying = [*map(_spoken, seen["staying"])]
    world = World(
        {PurePosixPath(path): frozenset(names) for path, names in seen["owners"].items()},
        _entries(seen["there"]),
        {PurePosixPath(path): frozenset(map(PurePosixPath, below)) for path, below in seen["below"].items()},
        (),
        frozenset(),
        "\n".join(one.text for one in staying),
    )
    before, after = seen["order"]
    keys = ("several", "deciding", "emptied", "links", "owned")
    return Scene(world, staying, before, after, **{key: seen[key] for key in keys})


def _part(seen: Mapping[str, Any]) -> Part:
    says = _spoken(seen["says"])
    names, changed, ghosts = (tuple(seen[key]) for key in ("names", "changed", "ghosts"))
    return Part(says.name, _entries(seen["entries"]), says, names, changed, ghosts, seen["units"])


def _spoken(seen: Mapping[str, Any]) -> Spoken:
    scripts = tuple(Script(*one) for one in seen["scripts"])
    triggers = tuple(Trigger(waits, tuple(names), program, text) for waits, names, program, text in seen["triggers"])
    return Spoken(seen["name"], seen["key"], scripts, triggers)


def _entries(seen: Mapping[str, Sequence[str]]) -> dict[PurePosixPath, Entry]:
    return {PurePosixPath(path): Entry(*entry) for path, entry in seen.items()}


def change_tree(
    change: Change,
    wanted: Resolution,
    downloads: Downloads,
    release: RpmRelease,
    base: Path,
    tree: Path,
    report: Report,
    linking: Linking | None = None,
) -> dict[str, Any]:
    """Make `tree` of `base` and the packages that come and leave; return the same facts as install()."""
    epoch = records.newest(wanted.packages)
    scratch = made(tree.with_name("scratch"))
    try:
        write_whole(scratch / ".rpmmacros", macros(release))
        with changing(base, tree, report, linking) as view:
            asked = {
                "root": str(view.tree),
                "coming": [_coming(one, change, downloads) for one in sorted(change.coming)],
                "leaving": sorted(change.leaving),
                "epoch": change.old_epoch,
                "later": epoch > change.old_epoch,
                "laid_out": sorted(LAID_OUT),
            }
            argv = [find_program("eatmydata"), interpreter(), "-I", str(script("change.py"))]
            env = scripts_environment({"HOME": str(scratch), "SOURCE_DATE_EPOCH": str(epoch)})
            try:
                enter(view.tree, argv, env=env, input=json.dumps(asked), on_line=report.log, before=view.within)
            except CommandError as error:
                raise BuildError(f"the packages could not be changed:\n{error.tail}") from error
    finally:
        remove_tree(scratch)
    refuse_difference(wanted.kept, tree)
    make_canonical(tree, release, wanted.kept, epoch, report, [change.old_epoch // _DAY_S, epoch // _DAY_S])
    return facts(epoch, [str(package) for package in wanted.kept])


def _coming(one: Resolved, change: Change, downloads: Downloads) -> dict[str, Any]:
    return {"file": str(downloads.path(one)), "update": one.name in change.updated}
