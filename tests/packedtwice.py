"""A site with an image that was packed twice from trees of a few packages: quick, and as real as sb diff needs it."""

import json
from pathlib import Path

from sbkernel.images.packimage import packimage
from sbkernel.packages.readers.deb import dpkg
from sbkernel.site import Site

STATUS = """\
Package: {}
Status: install ok installed
Version: {}
Architecture: amd64
Installed-Size: {}
Source: {}

"""
BEFORE = (("bash", "5.2-1", 7000, "bash"), ("libssl1.1", "1.1.1n-0", 4000, "openssl"), ("old", "1", 90, "old"))
AFTER = (("bash", "5.2-2", 7100, "bash"), ("libssl3", "3.0.9-1", 6000, "openssl"), ("slurmd", "23.11", 900, "slurm"))


def pack_twice(site: Site, directory: Path, image: str = "img") -> None:
    """Define an image built in a directory, with a package list, and pack it twice."""
    built = directory / "built"
    (built / "rootimg/var/lib/dpkg").mkdir(parents=True)
    (built / "rootimg/usr/lib").mkdir(parents=True)
    (built / "rootimg/usr/lib/large").write_bytes(bytes(200_000))
    for name in ("kernel", "initrd-stateless.gz"):
        (built / name).write_text(name)
    (built / "plan.json").write_text(json.dumps({"steps": {}, "kernelver": "6.1"}))
    (directory / f"{image}.pkglist").write_text("bash,vim=2:9.0-1\n")
    site.set(
        "osimage", image, osvers="debian12", osarch="x86_64", profile=image, provmethod="netboot", imagetype="linux",
        rootimgdir=str(built), pkglist=str(directory / f"{image}.pkglist"),
    )  # fmt: skip
    for packages in (BEFORE, AFTER):
        text = "".join(STATUS.format(*package) for package in packages)
        (built / "rootimg" / dpkg.STATUS).write_text(text)
        packimage(site, image)
