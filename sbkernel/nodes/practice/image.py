"""A tiny image for simulated nodes where no other is packed: real files in the catalog, which boot no machine."""

from __future__ import annotations

import contextlib

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import BESIDE
from sbkernel.site import Site

NAME = "practice"
_FILES = {"root.squashfs": b"no root, only practice\n" * 4096, "manifest.json": b"[]\n"}
_ATTRIBUTES = {
    "imagetype": "linux", "provmethod": "netboot", "osvers": "debian12", "osarch": "x86_64", "profile": NAME,
    "usercomment": "for simulated nodes: it boots no machine",
}  # fmt: skip


def practice_image(site: Site) -> str:
    """Define and publish the image for simulated nodes if it is not there, and return its name."""
    if NAME not in site.osimages:
        site.set("osimage", NAME, **_ATTRIBUTES)
    catalog = Catalog(site)
    with contextlib.suppress(NotFoundError):
        return catalog.current(NAME).image
    with catalog.staging() as staged:
        for name in ("root.squashfs", *BESIDE):
            (staged.path / name).write_bytes(_FILES.get(name, f"{name} of no machine\n".encode()))
            staged.add(name)
        facts = {"kernelver": "0-practice", "packages": 0, "roots": ["root.squashfs"], "method": "squashfs"}
        return catalog.publish(staged, {"image": NAME, **facts}).image


def forget_practice_image(site: Site) -> None:
    """Remove its definition. The next collection (sb gc) removes the version."""
    if NAME in site.osimages:
        site.delete("osimage", NAME)
