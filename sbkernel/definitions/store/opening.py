"""Where a site keeps its definitions: the file in its directory, or the server of $SBKERNEL_DB."""

from __future__ import annotations

import os
from pathlib import Path

from sbkernel.definitions.store.interface import SERVER_VARIABLE, Store
from sbkernel.definitions.store.sqlstore import Fill
from sbkernel.errors import NotFoundError

_FILE = "site.db"


def open_store(root: Path, fill: Fill, *, create: bool = True) -> Store:
    """Open the definitions of the site in `root`; NotFoundError when there are none and `create` is false."""
    if url := os.environ.get(SERVER_VARIABLE):
        return _on_server(url, root, fill, create=create)
    from sbkernel.definitions.store.sqlite import SqliteStore

    if not create and not (root / _FILE).exists():
        raise NotFoundError(f"{root} is not a site", hint="--site DIR or $SBKERNEL_SITE names another")
    root.mkdir(parents=True, exist_ok=True)
    return SqliteStore(root / _FILE, fill)


def _on_server(url: str, root: Path, fill: Fill, *, create: bool) -> Store:
    from sbkernel.definitions.store.postgres import PostgresStore

    store = PostgresStore(url, fill, create=create)
    root.mkdir(parents=True, exist_ok=True)
    return store
