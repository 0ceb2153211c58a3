"""Run in a mount namespace of its own: a site on a small disk, on which a capture does not fit."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1]), str(HERE.parent), str(HERE.parent / "images")]

from noderoot import make_root  # noqa: E402
from smallbuild import assert_nothing_left  # noqa: E402
from sshd import sshd  # noqa: E402

from sbkernel.errors import BuildError  # noqa: E402
from sbkernel.nodes.capture import capture  # noqa: E402
from sbkernel.site import Site  # noqa: E402


def main(place: Path) -> None:
    """Print what is said; fail if anything is left, or if it does not go well when there is space again."""
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", disk], check=True)
    root = make_root(place / "root", "debian12", more_bytes=20 << 20)
    with Site.open(disk / "site") as site, sshd(site, "n1", root, place / "sshd"):
        remount(disk, f"nr_inodes={used_inodes(disk) + 40}")
        attempt(site)
        remount(disk, "size=20m,nr_inodes=20000")
        attempt(site)
        remount(disk, "size=300m")
        capture(site, "n1", "other")


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def used_inodes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_files - status.f_ffree


def attempt(site: Site) -> None:
    try:
        capture(site, "n1", "other")
    except BuildError as error:
        print(error)
    else:
        sys.exit("the disk was not full")
    assert "other" not in site.osimages
    assert not list(site.installdir.glob("netboot/*/*/*/rootimg"))
    assert_nothing_left(site)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
