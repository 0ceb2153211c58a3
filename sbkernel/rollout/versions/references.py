"""Who refers to versions of images: boot files, what nodes reported, pins, running jobs.

It stands in this room because netboot knows boot files and the boot log, jobs know jobs, and the catalog, which must
import neither, is told.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import SbkernelError
from sbkernel.files import Identity, identity
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import parse
from sbkernel.jobs import job as jobs
from sbkernel.netboot import bootfiles, bootlog
from sbkernel.rollout.waves.journal import unfinished
from sbkernel.site import Site

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_LARGEST_BOOT_FILE = 1 << 20
Referred = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class References:
    """Who refers to what: by name (of a node, a file, a group, a job) the digests that it refers to."""

    boots: Referred
    files: Referred
    reported: Referred
    pinned: Referred
    jobs: Referred
    rollouts: Referred = field(default_factory=dict)

    def said(self) -> dict[str, list[str]]:
        """Return by digest the words that say who refers to it, nodes folded: `boot file of n[1-3]`."""
        found: dict[str, list[str]] = defaultdict(list)
        for words, referred in (
            ("boot file of", self.boots),
            ("reported by", self.reported),
            ("pinned by", self.pinned),
        ):
            for digest, names in by_digest(referred).items():
                found[digest].append(f"{words} {fold(names)}")
        for words, referred in (("boot/", self.files), ("running job ", self.jobs), ("roll-out ", self.rollouts)):
            for digest, names in by_digest(referred).items():
                found[digest] += [f"{words}{name}" for name in names]
        return found


def gather(site: Site) -> References:
    """Ask everybody: boot files first, as what they name may be replaced while the rest is read."""
    boots, files = of_boot_files(site)
    return References(boots, files, of_reports(site), of_pins(site), of_jobs(site), of_rollouts(site))


def by_digest(referred: Referred) -> dict[str, list[str]]:
    """Return by digest who refers to it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, digests in referred.items():
        for digest in digests:
            found[digest].append(name)
    return found


def of_boot_files(site: Site) -> tuple[Referred, Referred]:
    """Return what the boot scripts of nodes name, by node, and what other files below boot/ name, by path."""
    boot = site.boot
    nodes: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    known: dict[Identity, set[str]] = {}
    for path in _files(boot):
        with contextlib.suppress(FileNotFoundError):
            if digests := _named(path, known):
                if path.parent == boot / "nodes" and path.suffix in bootfiles.SUFFIXES:
                    nodes.setdefault(path.stem, set()).update(digests)
                else:
                    files[str(path.relative_to(boot))] = digests
    return nodes, files


def of_reports(site: Site) -> Referred:
    """Return which image each node reported in the boot that began last."""
    found: dict[str, list[str]] = {}
    for file in (site.log / "boot").glob("[!.]*.jsonl"):
        with contextlib.suppress(SbkernelError):
            images = [str(event["image"]) for event in bootlog.read(site, file.stem) if event.get("image")]
            found[file.stem] = images[-1:]
    return found


def of_pins(site: Site) -> Referred:
    """Return the versions to which provmethod pins nodes and groups."""
    catalog = Catalog(site)
    assigned = {name: values.get("provmethod", "") for name, values in site.store.objects("group").items()}
    assigned |= {name: node.peek("provmethod") for name, node in site.nodes.many(site.nodes).items()}
    found = {word: _digest(catalog, word) for word in set(assigned.values()) if "@" in word}
    return {name: [digest] for name, word in assigned.items() if (digest := found.get(word))}


def of_jobs(site: Site) -> Referred:
    """Return the versions that jobs which run now are about: named in what they were given, or in their events."""
    catalog = Catalog(site)
    found = {}
    for job in jobs.listing(site):
        if not job.done:
            words = {word for word in _texts(job.spec) if "@" in word}
            named = {digest for word in words if (digest := _digest(catalog, word))}
            found[job.id] = named | set(_DIGEST.findall(str(job.spec) + str(job.events())))
    return found


def of_rollouts(site: Site) -> Referred:
    """Return the versions to which roll-outs that have not ended may still bring nodes, forth or back."""
    return {one.id: one.plan().digests for one in unfinished(site)}


def _digest(catalog: Catalog, word: str) -> str:
    """Return the digest of the version that a word names, "" if it names none."""
    with contextlib.suppress(SbkernelError):
        return catalog.find(parse(word)).digest
    return ""


def _files(boot: Path) -> Iterator[Path]:
    for directory, below, names in os.walk(boot):
        yield from (Path(directory, name) for name in below if Path(directory, name).is_symlink())
        yield from (Path(directory, name) for name in names if not name.startswith(".") and not name.endswith(".tar"))


def _named(path: Path, known: dict[Identity, set[str]]) -> set[str]:
    """Return the versions that a boot file names, or that a link leads into.

    `known` is what files with several names have named: most nodes have the script of others.
    """
    status = path.lstat()
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and status.st_size <= _LARGEST_BOOT_FILE:
        return known[_key(status)] if _key(status) in known else _read(path, known)
    text = os.fsencode(path.readlink()) if path.is_symlink() else b""
    if path.is_file() and path.stat().st_size <= _LARGEST_BOOT_FILE:
        text += b"\n" + path.read_bytes()
    return bootfiles.digests_in(text)


def _read(path: Path, known: dict[Identity, set[str]]) -> set[str]:
    with path.open("rb") as file:
        # Of what is open: at this place there may be another file by now.
        key = _key(os.fstat(file.fileno()))
        known[key] = bootfiles.digests_in(file.read())
    return known[key]


def _key(status: os.stat_result) -> Identity:
    return status.st_dev, *identity(status)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
