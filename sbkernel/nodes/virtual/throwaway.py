"""Virtual nodes for one purpose, which go again whatever happens to the process that made them.

That process holds a lock while it lives. The process of the virtual nodes looks every second, and whoever makes the
next such node looks first: a node whose lock nobody holds is removed, with its boot files and its logs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.files import is_held, take
from sbkernel.netboot import bootfiles, bootlog
from sbkernel.netboot.bootplan import plan_offline
from sbkernel.nodes.mkvm import attributes
from sbkernel.nodes.virtual.qemu import USER_NETWORK
from sbkernel.nodes.virtual.uefi import forget_variables
from sbkernel.site import Site

ATTRIBUTE = "throwaway"


@contextlib.contextmanager
def throwaway(site: Site, purpose: str, *, memory_mb: int, cpus: int = 2) -> Iterator[str]:
    """Define a virtual node of a new name for a block, and remove it afterwards with all that it left.

    It is in no group but that of its purpose, so that nobody powers it with `all`.
    """
    sweep(site)
    name = f"{purpose}-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        # Held before the node is there, and until it is gone: whoever sees it without an owner removes it.
        owner = take(_lock(site, name))
        stack.callback(_release, site, name, owner)
        stack.callback(_remove, site, name)
        values = attributes(site, name, USER_NETWORK, memory_mb, cpus)
        site.change("node", {name: {**values, "groups": purpose, ATTRIBUTE: purpose}}, what=purpose)
        yield name


def sweep(site: Site, among: Iterable[str] | None = None) -> list[str]:
    """Remove the nodes whose makers are dead, of all or `among` some; return their names."""
    gone = [name for name in (names(site) if among is None else among) if not is_held(_lock(site, name))]
    for name in gone:
        _remove(site, name)
        _lock(site, name).unlink(missing_ok=True)
    return gone


def names(site: Site) -> list[str]:
    """Return the nodes that are to go again."""
    return [name for name, values in site.store.objects("node").items() if ATTRIBUTE in values]


def _release(site: Site, name: str, owner: int) -> None:
    _lock(site, name).unlink(missing_ok=True)  # no other node will ever have that name
    os.close(owner)


def _remove(site: Site, name: str) -> None:
    """Remove a node: first its definition, which cuts its power, then what lies on the disk."""
    with contextlib.suppress(NotFoundError):
        site.delete("node", name)
    forget_variables(site, name)
    with bootfiles.BootFiles(site.boot) as files:
        files.apply(plan_offline(name), files.scripts(name))
    for path in _left(site, name):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _left(site: Site, name: str) -> Iterator[Path]:
    with contextlib.suppress(SbkernelError):
        yield bootlog.path(site, name)
    yield from site.consoles.glob(f"{name}.*")
    yield from site.run.glob(f"{name}.*")


def _lock(site: Site, name: str) -> Path:
    return site.run / f".{name}.lock"
