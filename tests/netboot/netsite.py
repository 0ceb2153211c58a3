"""Publish a small version of the image that the tests boot, and read what nodeset wrote."""

import re
from pathlib import Path

import smallimage

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


def publish(site: Site, root: bytes, image: str = IMAGE) -> ImageVersion:
    return smallimage.publish(site, root, image)


def script_of(boot: Path, node: str) -> str:
    """Return the script of a node as its iPXE reads it: with the variables that the one script of its address sets."""
    (leads,) = (text for one in boot.glob("by-mac/*") if f"../nodes/{node}.ipxe\n" in (text := one.read_text()))
    text = (boot / f"nodes/{node}.ipxe").read_text()
    for name, value in re.findall(r"^set (\S+) (\S+)$", leads, re.MULTILINE):
        text = text.replace(f"${{{name}}}", value)
    return text
