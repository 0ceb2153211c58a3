"""A node with a system on its disk boots an image without touching the disk, goes back to it, and to the image."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bootsector import TEXT, boot_sector

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

IMAGE, NODE = "mycomputeimage", "vn4"


@pytest.fixture
def disk(sb: Sb, first_demo: str) -> Iterator[Path]:
    """The disk of a node that was installed by other means."""
    sb("mkvm", NODE, "--disk", "8M")
    disk = Path(sb.attribute("node", NODE, "vmstorage"))
    with disk.open("r+b") as file:
        file.write(boot_sector())
    sb("mkdef", "-t", "osimage", "on-disk", "imagetype=linux", "osvers=rocky9.4", "osarch=x86_64", "profile=all",
       "provmethod=install")  # fmt: skip
    sb("chdef", NODE, "provmethod=on-disk", "os=rocky9.4", "profile=all")
    yield disk
    sb("rpower", NODE, "off")
    sb("rmvm", NODE)
    sb("rmdef", "-t", "osimage", "on-disk")
    disk.unlink()


def test_a_stateless_boot_leaves_the_disk_as_it_is_and_boot_goes_back_to_it(sb: Sb, disk: Path) -> None:
    before = sha256(disk)
    state = sb("nodeset", NODE, f"osimage={IMAGE}")
    sb("rpower", NODE, "boot")
    assert f"{NODE} login:" in sb("rcons", NODE, "--until", "login:", "--for", "600", timeout_s=630)
    assert "vda" in sb.ssh(NODE, "cat /proc/partitions"), "the node sees its disk"
    assert sb("nodeset", NODE, "boot") == f"{NODE}: boot\n"
    assert (sb.attribute("node", NODE, "os"), sb.attribute("node", NODE, "diskimage")) == ("rocky9.4", "on-disk")
    sb("rpower", NODE, "reset")
    assert TEXT in sb("rcons", NODE, "--until", TEXT, "--for", "120", timeout_s=150)
    assert sha256(disk) == before
    assert sb("nodeset", NODE, "osimage") == state
    assert sb.attribute("node", NODE, "provmethod") == IMAGE


def sha256(disk: Path) -> str:
    return hashlib.sha256(disk.read_bytes()).hexdigest()
