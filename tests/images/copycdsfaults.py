"""Run copycds where something goes wrong: from a slow drive, or in a namespace of its own on a small disk."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images import copycds as verb
from sbkernel.images.media.iso import IsoImage
from sbkernel.site import Site

_chunks = IsoImage.chunks


def slowly(self: IsoImage, path: str) -> Iterator[bytes]:
    for chunk in _chunks(self, path):
        yield chunk[: len(chunk) // 2]
        time.sleep(0.1)
        yield chunk[len(chunk) // 2 :]


def slow(site: str, image: str) -> None:
    IsoImage.chunks = slowly  # type: ignore[method-assign]
    with Site.open(site) as opened:
        verb.copycds(opened, [image])


def small(place: str, image: str, when: str) -> None:
    """Print what is said; fail if anything is left, or if it does not go on when there is room."""
    disk = Path(place) / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    installdir = disk / "install"
    installdir.mkdir()
    filler = disk / "filler"
    with Site.open(Path(place) / "site") as site:
        site.set("site", "clustersite", installdir=str(installdir))
        filler.write_bytes(b"x" * (shutil.disk_usage(disk).free - 300_000))
        check = verb.check_room
        if when == "midway":
            verb.check_room = lambda _copies: None
        try:
            verb.copycds(site, [image])
        except BuildError as error:
            print(error)
        else:
            sys.exit("the disk was not full")
        left = [path for path in installdir.rglob("*") if path.is_file() and path.name != ".x86_64.lock"]
        assert left == [], left
        assert list(site.osimages) == ["debian12-x86_64-netboot-compute", "debian12-x86_64-netboot-service"]
        filler.unlink()
        verb.check_room = check
        assert verb.copycds(site, [image])["made"]


if __name__ == "__main__":
    {"slow": slow, "small": small}[sys.argv[1]](*sys.argv[2:])
