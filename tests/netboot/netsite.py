"""Publish a small image, as packimage would."""

import json

from sbkernel.images.catalog import FILES, Catalog, ImageVersion
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


def publish(site: Site, root: bytes, image: str = IMAGE) -> ImageVersion:
    catalog = Catalog(site)
    with catalog.staging() as staged:
        for name in FILES:
            (staged.path / name).write_bytes(
                {"root.squashfs": root, "manifest.json": json.dumps([]).encode()}.get(name, b"x")
            )
            staged.add(name)
        return catalog.publish(staged, {"image": image, "kernelver": "6.1"})
