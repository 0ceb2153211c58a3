"""Run as a program: build an image in a new site and pack it in every format; prints what came out as JSON.

argv: directory of the site, osvers, pkgdir, pkglist. With $ODD the process first becomes as unlike others as it can;
it is the path of the library by which programs live in another time (faketime(1)).
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from sbkernel.images.genimage import genimage
from sbkernel.images.pack.formats import FORMATS
from sbkernel.images.packimage import packimage
from sbkernel.site import Site


def sums(directory: Path, *names: str) -> dict[str, str]:
    return {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in names}


def main(root: str, osvers: str, pkgdir: str, pkglist: str) -> None:
    if "ODD" in os.environ:
        # Set here, it is only for the programs that we run: Python cannot sleep in it.
        os.environ |= {"LD_PRELOAD": os.environ["ODD"], "FAKETIME": "+400d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        os.environ |= {"NO_FAKE_STAT": "1", "FAKE_UTIME": "0"}
        os.umask(0o077)
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    with Site.open(Path(root)) as site:
        site.set(
            "osimage", "same", imagetype="linux", osvers=osvers, osarch="x86_64", profile="same", provmethod="netboot",
            pkglist=pkglist, pkgdir=pkgdir,
        )  # fmt: skip
        built = genimage(site, "same")
        found = {"built": sums(Path(built["rootimgdir"]), "kernel", "initrd-stateless.gz", "manifest.json")}
        for method in FORMATS:
            packed = packimage(site, "same", method=method)
            found[method] = {"digest": packed["digest"], "root": packed["root_sha256"]}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
