"""What is over and stays behind: logs, finished jobs, scripts that no node runs; listed, and removed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.images.catalog.removing import IN_USE
from sbkernel.jobs import directory
from sbkernel.jobs import job as jobs
from sbkernel.netboot.postscripts import in_use
from sbkernel.rollout.testboot import verdicts
from sbkernel.rollout.waves import journal
from sbkernel.site import Site

_ROTATED = re.compile(r".+(\.\d+|\.old|-\d{8})(\.(gz|xz|zst|bz2))?|.+\.(gz|xz|zst|bz2)", re.ASCII)

YEAR_S = 366 * 86400.0


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
    """Return the logs: those that were rotated away, and those of nodes and versions that are gone, may go.

    Who switched which power is kept for a year at least.
    """
    nodes = set(site.nodes)

    def item(path: Path, why: str = "", older_than_s: float = rule.older_than_s) -> Item:
        status = path.stat()
        kept = (why,) if why else Rule(0, older_than_s).why(0, status.st_mtime, now)
        return Item("log", str(path.relative_to(site.log)), status.st_size, status.st_mtime, kept)

    of_nodes = (*_plain(site.log / "boot"), *_plain(site.consoles))
    return [
        *(item(path, "" if _ROTATED.fullmatch(path.name) else "may be written to") for path in _plain(site.log)),
        *(item(path, "the node is defined" if path.stem in nodes else "") for path in of_nodes),
        *(item(path, older_than_s=max(rule.older_than_s, YEAR_S)) for path in _plain(site.log / "power")),
        *(
            item(path, "its version is there" if (site.catalog / path.stem).is_dir() else "")
            for path in _plain(verdicts.directory(site))
        ),
    ]


def remove_logs(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove logs."""
    return [_unlinked(site.log / item.name, item) if item.goes else item for item in items]


def rollouts(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the roll-outs: those that have ended may go, after a year, as who switched which power does."""
    kept, found = Rule(0, max(rule.older_than_s, YEAR_S)), []
    for one in journal.listing(site):
        files = [path.stat() for path in _plain(one.dir)]
        used = max((status.st_mtime for status in files), default=0.0)
        state = one.state()
        why = (f"is {state}",) if state in (journal.RUNNING, journal.INTERRUPTED) else kept.why(0, used, now)
        found.append(Item("roll-out", one.id, sum(status.st_size for status in files), used, why))
    return found


def remove_rollouts(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove roll-outs that have ended, and what removals that were killed have left."""
    directory.remove(journal.folder(site), [item.name for item in items if item.goes])
    return list(items)


def scripts(site: Site, rule: Rule, now: float) -> list[Item]:
    """Return the files of postscripts below boot/: those that no node fetches any more when it boots may go."""
    used = in_use(path.read_bytes() for path in (site.boot / "nodes").glob("*.overlay.tar"))
    found = []
    for path in sorted((site.boot / "postscripts").glob("*.tar")):
        status, name = path.stat(), str(path.relative_to(site.boot))
        why = ("nodes run it",) if name in used else Rule(0, rule.older_than_s).why(0, status.st_mtime, now)
        found.append(Item("scripts", name, status.st_size, status.st_mtime, why))
    return found


def remove_scripts(site: Site, items: Sequence[Item]) -> list[Item]:
    """Remove files of postscripts."""
    return [_unlinked(site.boot / item.name, item) if item.goes else item for item in items]


def _unlinked(path: Path, item: Item) -> Item:
    """Remove a file unless it was written since it was listed."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_mtime > item.last_used:
            return replace(item, why=(IN_USE,))
        path.unlink()
    return item


def _plain(place: Path) -> Iterable[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.name[0] != "." and path.is_file())
