"""Publish a small image, as packimage would."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import BESIDE, CONTENT_LIST, ImageVersion
from sbkernel.site import Site


def publish(
    site: Site,
    root: bytes,
    image: str,
    *,
    gated: bool = False,
    root_name: str = "root.squashfs",
    layered: bool = False,
    verity: str = "",
    **more: object,
) -> ImageVersion:
    """Publish it; of several roots that `more["roots"]` names, others than `root_name` have their name as content."""
    catalog = Catalog(site)
    roots = more.get("roots", [root_name])
    assert isinstance(roots, list)
    content = {name: str(name).encode() for name in roots} | {root_name: root, "manifest.json": b"[]"}
    with catalog.staging() as staged:
        for name in (*roots, *BESIDE, *([CONTENT_LIST] if layered else [])):
            (staged.path / name).write_bytes(content.get(name, b"x"))
            staged.add(name, **({"verity": verity} if verity and name == root_name else {}))
        return catalog.publish(staged, {"image": image, "kernelver": "6.1", "packages": 3, **more}, gated=gated)


def versions(site: Site, image: str, texts: Sequence[str]) -> list[str]:
    """Publish several versions; return their digests."""
    return [publish(site, text.encode(), image).digest for text in texts]


def age(site: Site, image: str, days: float) -> None:
    """Let all that happened to an image be longer ago than it is."""
    catalog = Catalog(site)
    file = catalog.names / f"{image}.json"
    text = file.read_text()
    for move in catalog.pointers(image).history:
        text = text.replace(repr(move.t), repr(move.t - days * 86400))
    file.write_text(text)
    for version in catalog.versions(image):
        data = {**version.data, "created": version.created - days * 86400}
        times = [(path, path.stat().st_mtime_ns) for path in (version.dir / "image.json", version.dir)]
        (version.dir / "image.json").write_text(json.dumps(data))
        for path, before in times:
            when = before - int(days * 86400e9)
            os.utime(path, ns=(when, when))


def leftovers(directory: Path) -> list[str]:
    """Return the hidden entries of a directory but its lock."""
    return sorted(path.name for path in directory.glob(".*") if path.name != ".lock")
