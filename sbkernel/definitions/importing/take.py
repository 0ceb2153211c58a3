"""Import a file or directory into a site: read, decide, write one change set."""

from __future__ import annotations

from pathlib import Path

from sbkernel.definitions.importing.decide import Decision, Key, decide, needed
from sbkernel.definitions.importing.detect import read
from sbkernel.definitions.importing.found import Found
from sbkernel.definitions.importing.report import Report
from sbkernel.definitions.store.interface import Store, Transaction, Values


def take(store: Store, path: Path | str, kind: str = "", *, dry_run: bool = False) -> Report:
    """Import what lies at `path` (`-`: stdin) and return a report; one change set, or nothing when something fails.

    `kind` is stanza, tabdump or warewulf, or "" to find out. With `dry_run` nothing is written.
    """
    found = read(path, kind)
    if dry_run:
        return Report(str(path), found.kind, decide(found, _site(store, found)), dry_run)
    with store.write(f"import {path}") as transaction:
        decision = decide(found, _site(transaction, found))
        _write(transaction, decision)
    return Report(str(path), found.kind, decision, dry_run, transaction.change)


def _site(store: Store | Transaction, found: Found) -> dict[Key, Values]:
    known = {
        (objtype, name): values
        for objtype, names in needed(found).items()
        for name, values in store.get_many(objtype, names).items()
    }
    return known | {("network", name): values for name, values in store.objects("network").items()}


def _write(transaction: Transaction, decision: Decision) -> None:
    changed = decision.changed
    for objtype in {objtype for objtype, _ in changed}:
        transaction.put_many(objtype, {key[1]: decision.after[key] for key in changed if key[0] == objtype})
