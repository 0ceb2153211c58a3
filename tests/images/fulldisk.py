"""Run in a namespace of its own: a site on a small disk, which is almost full while one verb runs."""

import shutil
import subprocess
import sys
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.genimage import genimage
from sbkernel.images.packimage import packimage
from sbkernel.site import Site

MEGABYTE = 1 << 20


def main(place: str, repository: str, packages: str, verb: str, left_mb: str) -> None:
    """Print what the verb says; fail if it leaves anything, or if it does not go on when there is space again."""
    disk = Path(place) / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", disk], check=True)
    with Site.open(disk / "site") as site:
        listed = Path(place) / "full.pkglist"
        listed.write_text(packages.replace(" ", "\n"))
        site.set(
            "osimage", "full", imagetype="linux", osvers="rocky9.4", osarch="x86_64", profile="full",
            provmethod="netboot", pkglist=str(listed), pkgdir=repository,
        )  # fmt: skip
        verbs = {"genimage": genimage, "packimage": packimage}
        if verb == "packimage":
            genimage(site, "full")
        before = left_behind(site)
        fill(disk, int(left_mb))
        try:
            verbs[verb](site, "full")
        except BuildError as error:
            print(error)
        else:
            sys.exit("the disk was not full")
        (disk / "filler").unlink()
        assert left_behind(site) == before, left_behind(site)
        genimage(site, "full")
        packimage(site, "full")


def fill(disk: Path, left_mb: int) -> None:
    with (disk / "filler").open("wb") as stream:
        for _ in range(shutil.disk_usage(disk).free // MEGABYTE - left_mb):
            stream.write(b"x" * MEGABYTE)


def left_behind(site: Site) -> set[Path]:
    """Return partial layers, trees, downloads and versions."""
    return {path for pattern in (".new*", ".tmp*", ".part*") for path in site.root.rglob(pattern)}


if __name__ == "__main__":
    main(*sys.argv[1:])
