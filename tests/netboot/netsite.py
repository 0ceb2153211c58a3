"""Publish a small version of the image that the tests boot."""

import smallimage

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


def publish(site: Site, root: bytes, image: str = IMAGE) -> ImageVersion:
    return smallimage.publish(site, root, image)
