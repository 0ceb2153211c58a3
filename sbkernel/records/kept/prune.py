"""prune: remove records that are old, and keep those that something refers to, or that run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.collected import Collected
from sbkernel.images.catalog.collecting import Item, Rule
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.jobs import job as jobs
from sbkernel.jobs.lock import lock
from sbkernel.records import names
from sbkernel.records.kept import index
from sbkernel.records.kept.facts import DAMAGED, UNFINISHED, Kept
from sbkernel.rollout.testboot.verdicts import verdicts_of
from sbkernel.site import Site

_DAY_S = 86400.0


def prune(site: Site, *, keep_days: float = 0, keep_last: int = 0, dry_run: bool = False) -> Collected:
    """Remove records; return what went, or would go, and why the others stay.

    Those of the last `keep_days` days stay, and so do the `keep_last` newest of each notebook; what runs, and what a
    version in the catalog, the history of its pointers or a running job refers to. Killed at any time, the next run
    goes on. Raises DefinitionError if neither is given or one is negative, LockedError when another one runs.
    """
    if keep_days < 0 or keep_last < 0 or not (keep_days or keep_last):
        raise DefinitionError("this would keep no record", hint="--keep-days N, --keep-last N, or both")
    rule = Rule(keep_last, keep_days * _DAY_S)
    if dry_run:
        return Collected(tuple(_items(site, rule)), True)
    with lock(site.records, "prune", what="records"):
        items = tuple(_items(site, rule))
        for item in items:
            if item.goes:
                _remove(site.records / item.name)
        _sweep(site.records, time() - _DAY_S)
        _forget_months(site.records)
    return Collected(items, False)


def _items(site: Site, rule: Rule) -> Iterator[Item]:
    found = index.kept(site)  # before it is asked who refers to them: what begins now is running, or not among them
    referred = references(site)
    places: Counter[str] = Counter()
    now = time()
    for one in found:
        ended = one.when + (one.seconds or 0.0)
        why = _why_anyway(one) + tuple(
            word for name in (one.run, names.begun(Path(one.path))) for word in referred.get(name, ())
        )
        why = why or rule.why(places[one.notebook], ended, now)
        places[one.notebook] += 1
        yield Item("record", one.path, _bytes(site.records / one.path), ended, why)


def _why_anyway(one: Kept) -> tuple[str, ...]:
    if one.status == DAMAGED:
        return ("cannot be read: nobody knows what refers to it",)
    return ("is running",) if one.status in ("running", UNFINISHED) else ()


def references(site: Site) -> Mapping[str, list[str]]:
    """Return who refers to records: versions that they made, moves of their pointers, test boots, jobs that run.

    They are named by their runs; test boots name them by their paths without a status (names.begun).
    """
    catalog = Catalog(site)
    found: dict[str, list[str]] = defaultdict(list)
    versions = {version.digest: version for version in catalog.versions()}
    for version in versions.values():
        for run in set(_runs(version.data)):
            found[run].append(f"made {Reference(version.image, short(version.digest))}")
        for verdict in verdicts_of(site, version.digest):
            if verdict.record:
                found[verdict.record].append(f"test boot of {Reference(version.image, short(version.digest))}")
    for image in catalog.images():
        for move in catalog.pointers(image).history:
            if move.digest in versions and (run := str(move.record.get("run", ""))) and run not in found:
                found[run].append(f"{move.action} of {Reference(image, short(move.digest))}")
    for job in jobs.listing(site):
        if not job.done:
            for run in _runs(job.spec):
                found[run].append(f"job {job.id} runs")
    return found


def _runs(value: Any) -> Iterator[str]:
    """Yield the runs of all records (jobs/origin.py) that are named anywhere in a value."""
    if isinstance(value, Mapping):
        record = value.get("record")
        if isinstance(record, Mapping) and isinstance(record.get("run"), str):
            yield record["run"]
        for one in value.values():
            yield from _runs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _runs(one)


def _bytes(notebook: Path) -> int:
    total = 0
    for path in (notebook, notebook.with_suffix(".html")):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _remove(notebook: Path) -> None:
    notebook.with_suffix(".html").unlink(missing_ok=True)
    notebook.unlink(missing_ok=True)  # last: as long as it is there, the record is found again


def _sweep(records: Path, before: float) -> None:
    """Remove what runs that were killed while they wrote have left beside their records."""
    for path in records.glob("[0-9]*/[0-9]*/.*.new"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()


def _forget_months(records: Path) -> None:
    """Remove the directories of months that are empty now, but not the newest ones: a run may want to write there."""
    for folder in sorted(records.glob("[0-9]*/[0-9]*"))[:-1]:
        with suppress(OSError):
            folder.rmdir()
            index.file_of(records, folder).unlink(missing_ok=True)
            folder.parent.rmdir()
