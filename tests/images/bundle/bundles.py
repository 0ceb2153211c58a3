"""Two sites and an image with lists in the first of them: what tests of bundles share."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from smallimage import publish

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site

IMAGE = "lab"
Change = Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]


KILLED = """
import sys
from sbkernel.images.bundle.{verb} import {verb}
from sbkernel.site import Site

def trace(left):
    # The line at which the process is to die, as if by kill -9.
    import os, signal
    def each(frame, event, argument):
        global left
        if "sbkernel" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return each
    return each

with Site.open(sys.argv[1]) as site:
    left = int(sys.argv[4])
    sys.settrace(trace(left))
    {verb}(site, *sys.argv[2:4][: 2 if "{verb}" == "export_image" else 1])
    sys.settrace(None)
    print(left)
"""


class Sites(NamedTuple):
    """Where the image was made, and where it goes."""

    here: Site
    there: Site

    @property
    def version(self) -> ImageVersion:
        return publish(self.here, b"hsqs" + bytes(range(256)) * 1000, IMAGE)


def define(site: Site, image: str = IMAGE, **more: str) -> Path:
    """Define an osimage with a list of each kind; return the directory of its lists."""
    custom = site.installdir / "custom/netboot/debian"
    custom.mkdir(parents=True, exist_ok=True)
    (custom / "common.pkglist").write_text("vim\n")
    (custom / f"{image}.pkglist").write_text("#INCLUDE:common.pkglist#\nslurmd\n")
    (custom / f"{image}.exlist").write_text("./usr/share/doc*\n")
    (custom / f"{image}.synclist").write_text("/etc/hosts -> /etc/hosts\n")
    (custom / f"{image}.postinstall").write_text("#!/bin/sh\n")
    (custom / f"{image}.postinstall").chmod(0o755)
    (custom / f"{image}.fstab").write_text("tmpfs / tmpfs rw 0 1\n")
    site.set(
        "osimage", image, imagetype="linux", osvers="debian12", osarch="x86_64", profile=image, provmethod="netboot",
        pkglist=str(custom / f"{image}.pkglist"), exlist=str(custom / f"{image}.exlist"),
        synclists=str(custom / f"{image}.synclist"), postinstall=f"{custom / image}.postinstall one two",
        rootimgdir=str(site.installdir / f"netboot/debian12/x86_64/{image}"), addkcmdline="quiet",
        pkgdir="http://user:secret@mirror/debian", **more,
    )  # fmt: skip
    return custom


def rewritten(bundle: Path, change: Change) -> Path:
    """Write a bundle anew beside it, each member replaced by those that `change` returns."""
    other = bundle.with_name("rewritten.tar")
    with tarfile.open(bundle) as old, tarfile.open(other, "w", format=tarfile.GNU_FORMAT) as new:
        for member in old:
            source = old.extractfile(member)
            for info, content in change(member, source.read() if source else b""):
                info.size = len(content) if info.isreg() else 0
                new.addfile(info, io.BytesIO(content))
    return other


def everything(site: Site) -> dict[str, bytes]:
    """Return what lies in a site, but for locks and the store."""
    files = (path for path in site.root.rglob("*") if path.is_file() and not path.is_symlink())
    wanted = (path for path in files if "lock" not in path.name and not path.name.startswith("site.db"))
    return {str(path.relative_to(site.root)): path.read_bytes() for path in wanted}


def lines_of(verb: str, site: Site, what: str | Path, file: Path) -> int:
    """Return how many lines a verb runs through."""
    return 1_000_000 - int(killed(verb, site, what, file, 1_000_000).stdout)


def killed(verb: str, site: Site, what: str | Path, file: Path, at: int) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", KILLED.format(verb=verb), site.root, what, file, str(at)]
    return subprocess.run(argv, capture_output=True, text=True)
