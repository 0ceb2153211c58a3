"""What grows beside the catalog: layers, downloaded packages, logs, finished jobs; listed, and removed.

Each is removed with the lock that its own users take.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sbkernel.errors import DefinitionError
from sbkernel.files import in_turn, is_held
from sbkernel.images import rootimgdir
from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.images.catalog.removing import IN_USE
from sbkernel.images.layers.layers import Layers
from sbkernel.jobs import directory
from sbkernel.jobs import job as jobs
from sbkernel.jobs.lock import lock_file
from sbkernel.jobs.run import run
from sbkernel.site import Site

_ROTATED = re.compile(r".+(\.\d+|\.old|-\d{8})(\.(gz|xz|zst|bz2))?|.+\.(gz|xz|zst|bz2)", re.ASCII)


def layers(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the layers, the one used last first."""
    found = [file.parent for file in (site.cache / "layers").glob("[0-9a-f]*/layer.json")]
    used = sorted(((path.stat().st_mtime, path) for path in found), reverse=True)
    return [
        Item("layer", path.name, _disk_usage(path), when, rule.why(place, when, now))
        for place, (when, path) in enumerate(used)
    ]


def remove_layers(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove layers that are not in use, and what killed builds have left."""
    cache = Layers(site.cache / "layers")
    if not cache.root.is_dir():
        return list(items)
    going = {item.name for item in items if item.goes}
    # Those that go are the ones used longest ago.
    cache.prune(keep=sum(path.parent.name not in going for path in cache.root.glob("[0-9a-f]*/layer.json")))
    return [replace(item, why=(IN_USE,)) if item.goes and item.name in cache else item for item in items]


def packages(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the downloaded packages; none goes while an image is being built."""
    building = _building(site)
    found = ((path, path.stat()) for path in _plain(site.cache / "packages"))
    return [
        Item(
            "package",
            path.name,
            status.st_size,
            used := max(status.st_mtime, status.st_atime),
            (f"{building} is being built",) if building else Rule(0, rule.older_than_s).why(0, used, now),
        )
        for path, status in found
    ]


def remove_packages(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove downloaded packages, in the turn of those who download."""
    downloads = site.cache / "packages"
    if not any(item.goes for item in items):
        return list(items)
    with in_turn(downloads / ".turn"):
        return [_unlinked(downloads / item.name, item) if item.goes else item for item in items]


def finished_jobs(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the jobs, the newest first."""
    found = []
    for place, job in enumerate(jobs.listing(site)):
        with contextlib.suppress(FileNotFoundError):
            ended = job.created + job.seconds
            size = sum(path.stat().st_size for path in _plain(job.dir))
            why = rule.why(place, ended, now) if job.done else (f"is {job.state}",)
            found.append(Item("job", job.id, size, ended, why))
    return found


def remove_jobs(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove finished jobs, and what removals that were killed have left."""
    directory.remove(site.jobs, [item.name for item in items if item.goes])
    return [replace(item, why=(IN_USE,)) if item.goes and (site.jobs / item.name).exists() else item for item in items]


def logs(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the logs: those that were rotated away, and those of nodes that are no longer defined, may go."""
    nodes = set(site.nodes)
    found = []
    for path in (*_plain(site.log), *_plain(site.log / "boot"), *_plain(site.consoles)):
        status = path.stat()
        why: tuple[str, ...] = ()
        if path.parent != site.log and path.stem in nodes:
            why = ("the node is defined",)
        elif path.parent == site.log and not _ROTATED.fullmatch(path.name):
            why = ("may be written to",)
        why = why or Rule(0, rule.older_than_s).why(0, status.st_mtime, now)
        found.append(Item("log", str(path.relative_to(site.log)), status.st_size, status.st_mtime, why))
    return found


def remove_logs(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove logs."""
    return [_unlinked(site.log / item.name, item) if item.goes else item for item in items]


def _unlinked(path: Path, item: Item) -> Item:
    """Remove a file unless it was used since it was listed."""
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        if max(status.st_mtime, status.st_atime if item.kind == "package" else 0.0) > item.last_used:
            return replace(item, why=(IN_USE,))
        path.unlink()
    return item


def _building(site: Site) -> str:
    """Return the name of an image whose directory somebody builds in or packs from, or ""."""
    for image, definition in site.osimages.many(site.osimages).items():
        with contextlib.suppress(DefinitionError):
            place = definition.get("rootimgdir") or rootimgdir.default(site, definition.attributes)
            if is_held(lock_file(Path(place).resolve())):
                return image
    return ""


def _plain(place: Path) -> Iterable[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.name[0] != "." and path.is_file())


def _disk_usage(tree: Path) -> int:
    """Return the bytes that a tree takes, which may hold other users' files."""
    return int(run(["du", "--summarize", "--block-size=1", "--", tree], isolated=True).stdout.split()[0])
