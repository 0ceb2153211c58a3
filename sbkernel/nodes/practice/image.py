"""A tiny image for simulated nodes where no other is packed: real files in the catalog, which boot no machine."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sbkernel.errors import NotFoundError, ToolMissingError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import BESIDE
from sbkernel.images.initrd.rootkinds import KINDS
from sbkernel.images.pack import verity
from sbkernel.site import Site

NAME = "practice"
_ROOT = "root.squashfs"
_FILES = {_ROOT: b"no root, only practice\n" * 4096, "manifest.json": b"[]\n"}
_ATTRIBUTES = {
    "imagetype": "linux", "provmethod": "netboot", "osvers": "debian12", "osarch": "x86_64", "profile": NAME,
    "usercomment": "for simulated nodes: it boots no machine",
}  # fmt: skip


def practice_image(site: Site) -> str:
    """Define and publish the image for simulated nodes if it is not there, and return its name.

    Their roots may be of any kind; without the program that makes hash trees, of none that needs one.
    """
    if NAME not in site.osimages:
        site.set("osimage", NAME, **_ATTRIBUTES)
    catalog = Catalog(site)
    with contextlib.suppress(NotFoundError):
        return catalog.current(NAME).image
    with catalog.staging() as staged:
        for name in (_ROOT, *BESIDE):
            (staged.path / name).write_bytes(_FILES.get(name, f"{name} of no machine\n".encode()))
        root_hash = _hash_tree(staged.path / _ROOT)
        staged.add(_ROOT, verity=root_hash)
        for name in BESIDE:
            staged.add(name)
        kinds = [kind for kind, needs in KINDS.items() if needs != KINDS["ram"] and (root_hash or not needs.hash_tree)]
        facts = {"kernelver": "0-practice", "packages": 0, "roots": [_ROOT], "method": "squashfs", "rootkinds": kinds}
        return catalog.publish(staged, {"image": NAME, **facts}).image


def _hash_tree(root: Path) -> str:
    try:
        return verity.add(root)
    except ToolMissingError:
        return ""


def forget_practice_image(site: Site) -> None:
    """Remove its definition. The next collection (sb gc) removes the version."""
    if NAME in site.osimages:
        site.delete("osimage", NAME)
