"""The index of records: what each says, by month, so that listing thousands reads only those that have changed.

records/.index/YYYY-MM.json    a line with the sha256 of the rest, then what was read and of which file it is
An index that is missing, damaged or of another program is made again; nothing is lost with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sbkernel.files import made, write_whole
from sbkernel.records import redact
from sbkernel.records.kept import facts
from sbkernel.records.kept.facts import Kept
from sbkernel.site import Site

INDEX = ".index"
_FORMAT = 2
_MONTH = re.compile(r"\d{4}/\d{2}")
Entries = dict[str, dict[str, Any]]  # by name of the file: what it was when it was read, and what it said


def kept(site: Site) -> list[Kept]:
    """Return the records of the site, the newest first."""
    records = site.records
    secrets = _Secrets(site)
    found = [one for folder in _folders(records) for one in _of_folder(records, folder, secrets)]
    return sorted(found, key=lambda one: (one.when, one.path), reverse=True)


def file_of(records: Path, folder: Path) -> Path:
    """Return the index of one directory of records."""
    return records / INDEX / f"{str(folder.relative_to(records)).replace('/', '-')}.json"


def _folders(records: Path) -> Iterator[Path]:
    """Yield the directories of records: one a month, and records/ itself, where plain papermill may write."""
    yield records
    for folder in sorted(records.glob("[0-9]*/[0-9]*")):
        if _MONTH.fullmatch(str(folder.relative_to(records))) and folder.is_dir():
            yield folder


def _of_folder(records: Path, folder: Path, secrets: _Secrets) -> list[Kept]:
    file = file_of(records, folder)
    before = _load(file)
    now = _looked(records, folder, before)
    if fresh := [entry["facts"] for name, entry in now.items() if entry is not before.get(name)]:
        redact.redact(fresh, secrets.known)
    if now != before:
        with suppress(OSError):  # another user's site, or a full disk: then it costs time, and nothing else
            _save(file, now)
    return [Kept.from_dict(entry["facts"]) for entry in now.values() if entry["facts"]]


def _looked(records: Path, folder: Path, before: Entries) -> Entries:
    """Return what is in a directory now: what was read before of files that are the same, and else what they say."""
    now: Entries = {}
    renamed = False
    for name, stamp in _notebooks(folder):
        entry = before.get(name)
        if entry is None or entry["stamp"] != stamp or _may_change(entry):
            try:
                read = facts.read(records, folder / name)
            except FileNotFoundError:  # it ended just now, and has another name
                renamed = True
                continue
            entry = {"stamp": stamp, "facts": _plain(read) if read else None}
        now[name] = entry
    return _looked(records, folder, now) if renamed else now


def _notebooks(folder: Path) -> Iterator[tuple[str, list[int]]]:
    with suppress(FileNotFoundError), os.scandir(folder) as listed:  # of a month that is being pruned
        for entry in listed:
            if entry.name.endswith(".ipynb") and not entry.name.startswith(".") and entry.is_file():
                with suppress(FileNotFoundError):
                    state = entry.stat()
                    yield entry.name, [state.st_mtime_ns, state.st_size, state.st_ino]


def _may_change(entry: dict[str, Any]) -> bool:
    """Tell whether what was read may be no longer so, although the file is the same: its process may have died."""
    return bool(entry["facts"]) and entry["facts"]["status"] == "running"


def _plain(read: Kept) -> dict[str, Any]:
    """Return a record as JSON keeps it, so that what was read now and what lay in the index are equal."""
    plain: dict[str, Any] = json.loads(json.dumps(vars(read), default=str))
    return plain


def _load(file: Path) -> Entries:
    try:
        digest, _, text = file.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return {}
        data = json.loads(text)
        return data["entries"] if data["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _save(file: Path, entries: Entries) -> None:
    text = json.dumps({"format": _FORMAT, "entries": entries}, separators=(",", ":"), sort_keys=True).encode()
    made(file.parent)
    write_whole(file, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)


class _Secrets:
    """The secrets of the site, asked for when a record is read: an index that is up to date needs none."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: set[str] | None = None

    @property
    def known(self) -> set[str]:
        if self._known is None:
            self._known = redact.known(self._site)
        return self._known
