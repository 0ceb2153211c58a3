"""The kinds of things in the cache: what there is of each, why it stays, and how it is removed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sbkernel.errors import DefinitionError, LockedError
from sbkernel.files import in_turn, is_held
from sbkernel.images import rootimgdir
from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.images.catalog.removing import IN_USE
from sbkernel.images.families import families
from sbkernel.images.layers.layers import Layers, disk_usage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.namespaces import clean, remove_tree
from sbkernel.jobs import job as jobs
from sbkernel.jobs.lock import lock, lock_file
from sbkernel.site import Site

FRESH_S = 3600.0
"""What has no lock that all its users hold stays for so long after it was used last."""
_INDEXES = "indexes"
_FILLED = ("layers", "packages", "plans", "blobs")
Find = Callable[[Site, Rule, float], list[Item]]
Remove = Callable[[Site, Sequence[Item]], list[Item]]


def layers(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the layers, the one used last first; one that a build holds stays."""
    cache = Layers(site.cache / "layers")
    found = sorted(((cache.last_used(digest), digest) for digest in cache.digests()), reverse=True)
    return [
        Item("layer", digest, cache.bytes(digest), when,
             (IN_USE,) if cache.is_held(digest) else rule.why(place, when, now))
        for place, (when, digest) in enumerate(found)
    ]  # fmt: skip


def remove_layers(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove layers that are not in use, and what killed builds have left."""
    cache = Layers(site.cache / "layers")
    if cache.root.is_dir():
        cache.prune({item.name for item in items if item.goes and cache.last_used(item.name) <= item.last_used})
    return [replace(item, why=(IN_USE,)) if item.goes and item.name in cache else item for item in items]


def packages(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the downloaded packages; none goes while an image is being built."""
    building = _building(site)
    return [
        Item("package", path.name, size, used, (f"{building} is being built",) if building else _age(rule, used, now))
        for path, size, used in map(_file, _plain(site.cache / "packages"))
    ]


def remove_packages(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove downloaded packages, in the turn of those who download."""
    downloads = site.cache / "packages"
    if not any(item.goes for item in items):
        return list(items)
    with in_turn(downloads / ".turn"):
        clean(downloads, ".new-*")
        return [_unlinked(downloads / item.name, item) for item in items]


def indexes(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return what package managers know of their sources: a directory for each set of them, or each directory."""
    found = []
    for directory in (path for kind in _states() for path in _below(site.cache / kind)):
        used, held = _last_read(directory), is_held(directory / ".turn")
        why = (IN_USE,) if held else _age(_fresh(rule), used, now)
        found.append(Item("index", str(directory.relative_to(site.cache)), disk_usage(directory), used, why))
    return found


def remove_indexes(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove such directories, out of sight first, and what killed removals have left."""
    for kind in _states():
        clean(site.cache / kind, ".gone-*")
    return [_removed_index(site.cache / item.name, item) if item.goes else item for item in items]


def _removed_index(directory: Path, item: Item) -> Item:
    gone = directory.with_name(f".gone-{directory.name}")
    try:
        with in_turn(directory / ".turn", wait=False):
            if _last_read(directory) > item.last_used:
                return replace(item, why=(IN_USE,))
            directory.rename(gone)
    except BlockingIOError:
        return replace(item, why=(IN_USE,))
    remove_tree(gone)
    return item


def plans(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the plans that were shown, and are kept to be compared with later ones."""
    found = map(_file, _plain(site.cache / "plans"))
    return [Item("plan", path.stem, size, used, _age(_fresh(rule), used, now)) for path, size, used in found]


def remove_plans(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove plans."""
    return [_unlinked(site.cache / "plans" / f"{item.name}.json", item) for item in items]


def inputs(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the copies of list files that were kept for jobs; those of a job that has not ended stay."""
    needed = {digest for job in jobs.listing(site) if not job.done for digest in _inputs_of(job.dir)}
    return [
        Item("input", path.name, size, used,
             ("a job needs it",) if path.name in needed else _age(_fresh(rule), used, now))
        for path, size, used in map(_file, _plain(site.cache / "blobs"))
    ]  # fmt: skip


def remove_inputs(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove such copies."""
    return [_unlinked(site.cache / "blobs" / item.name, item) for item in items]


def copies(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return what copycds runs that were killed have left beside the place of a disc; another run would go on there."""
    places = (path for depth in ("*", "*/*") for path in site.installdir.glob(f"{depth}/.*.copying") if path.is_dir())
    return [
        Item("copy", str(path.relative_to(site.installdir)), disk_usage(path), used := path.stat().st_mtime,
             ("copycds is at work",) if _copying(path) else _age(_fresh(rule), used, now))
        for path in places
    ]  # fmt: skip


def remove_copies(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove what killed copies have left, with the lock of copycds."""
    return [_removed_copy(site.installdir / item.name, item) if item.goes else item for item in items]


def _removed_copy(place: Path, item: Item) -> Item:
    try:
        with contextlib.ExitStack() as locks:
            for tree in (one for one in _trees(place) if lock_file(one).exists()):
                locks.enter_context(lock(tree, "sb cache prune", what="directory"))
            remove_tree(place)
    except LockedError:
        return replace(item, why=(IN_USE,))
    return item


def others(site: Site) -> list[Item]:
    """Return what else lies there; it stays, as nothing is known of it."""
    known = {*_FILLED, *_states()}
    paths = [path for path in site.cache.iterdir() if path.name not in known and not path.name.startswith(".")]
    return [Item("other", path.name, disk_usage(path), path.lstat().st_mtime, ("is not collected",)) for path in paths]


KINDS: Mapping[str, tuple[Find, Remove]] = {
    "layer": (layers, remove_layers),
    "package": (packages, remove_packages),
    "index": (indexes, remove_indexes),
    "plan": (plans, remove_plans),
    "input": (inputs, remove_inputs),
    "copy": (copies, remove_copies),
}
"""Kind of item: how such items are found, and how those that go are removed."""


def users_of_layers(site: Site) -> dict[str, list[str]]:
    """Return for each layer by digest the images whose tree was built from it."""
    found: dict[str, list[str]] = {}
    for image, place in rootimgdir.build_places(site).items():
        steps = RootimgDir(place).record().get("steps")
        for digest in steps.values() if isinstance(steps, dict) else ():
            found.setdefault(str(digest), []).append(image)
    return found


def _states() -> list[str]:
    """Return the directories of the cache in which package managers keep what they know of their sources."""
    return [*(family.state for family in families()), _INDEXES]


def _age(rule: Rule, used: float, now: float) -> tuple[str, ...]:
    return Rule(0, rule.older_than_s).why(0, used, now)


def _fresh(rule: Rule) -> Rule:
    return Rule(0, max(FRESH_S, rule.older_than_s))


def _file(path: Path) -> tuple[Path, int, float]:
    """Return a file with its bytes and when it was read or written last."""
    status = path.stat()
    return path, status.st_size, max(status.st_mtime, status.st_atime)


def _unlinked(path: Path, item: Item) -> Item:
    """Remove the file of an item that goes, unless it was used since it was listed."""
    if item.goes:
        with contextlib.suppress(FileNotFoundError):
            if _file(path)[2] > item.last_used:
                return replace(item, why=(IN_USE,))
            path.unlink()
    return item


def _last_read(directory: Path) -> float:
    """Return when a file in a directory was read or written last; taking a turn at it is no use."""
    times = [0.0]
    for folder, _, names in os.walk(directory):
        for name in (one for one in names if one != ".turn"):
            with contextlib.suppress(FileNotFoundError):
                status = Path(folder, name).lstat()
                times.append(max(status.st_mtime, status.st_atime))
    return max(times)


def _inputs_of(job: Path) -> Iterator[str]:
    with contextlib.suppress(OSError, ValueError, KeyError, AttributeError):
        yield from json.loads((job / "order.json").read_bytes())["inputs"].values()


def _trees(place: Path) -> list[Path]:
    """Return the trees that copycds may have locked to fill a place: itself, and of a further disc the one above."""
    return [place.with_name(place.name[1:].removesuffix(".copying")), place.parent]


def _copying(place: Path) -> bool:
    return any(is_held(lock_file(tree)) for tree in _trees(place))


def _building(site: Site) -> str:
    """Return the name of an image whose directory somebody builds in or packs from, or ""."""
    for image, definition in site.osimages.many(site.osimages).items():
        with contextlib.suppress(DefinitionError):
            place = definition.get("rootimgdir") or rootimgdir.default(site, definition.attributes)
            if is_held(lock_file(Path(place).resolve())):
                return image
    return ""


def _below(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))


def _plain(place: Path) -> Iterable[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.name[0] != "." and path.is_file())
