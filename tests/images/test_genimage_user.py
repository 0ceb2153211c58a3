"""genimage and packimage by an ordinary user, through the real command line."""

import os
import pwd
import subprocess
from pathlib import Path

from debs import make_repository, pkgdir
from ordinaryuser import USER, as_user, home, sb

__all__ = ["home"]

DEFINE = """
from sbkernel.site import Site
with Site.open() as site:
    site.set("osimage", "mine", imagetype="linux", osvers="debian12", osarch="x86_64", profile="mine",
        provmethod="netboot", pkglist='{pkglist}', pkgdir='{pkgdir}', postinstall='{script}')
"""


def test_an_ordinary_user_builds_and_packs_an_image(home: Path) -> None:
    debs = home / "debs"
    debs.mkdir()
    make_repository(debs)
    pkglist = debs / "mine.pkglist"
    pkglist.write_text("own-tool\nlinux-image-6.1.0-9-test\n")
    script = debs / "post.sh"
    script.write_text(
        '#!/bin/sh -e\n# sb-inputs: none\nid -u > "$1/etc/built-by"\n'
        'chown daemon "$1/etc/built-by"\nchroot "$1" id daemon\ntest "$(chroot "$1" uname -r)" = 6.1.0-9-test\n'
    )
    script.chmod(0o755)
    user = pwd.getpwnam(USER)
    for path in [debs, *debs.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid)
    as_user(home, "-c", DEFINE.format(pkglist=pkglist, pkgdir=pkgdir(debs), script=script))
    out = sb(home, "genimage", "mine")
    steps = "download, packages, tree, configure, postinstall, kernel, initrd, manifest"
    assert out.startswith(f"Generating image: \nbuilt: {steps}\n")
    tree = next(home.glob(".local/share/sbkernel/**/install/netboot/debian12/x86_64/mine/rootimg"))
    assert (tree / "usr/bin/own-tool").stat().st_uid == user.pw_uid
    assert (tree / "etc/built-by").read_text() == "0\n"
    assert (tree / "etc/built-by").stat().st_uid not in (0, 1, user.pw_uid)
    assert (tree / "usr/bin/passwd").stat().st_mode & 0o7777 == 0o4755
    assert USER not in Path("/proc/self/mountinfo").read_text()
    assert "nothing to do" in sb(home, "genimage", "mine")
    pkglist.write_text("own-tool\nlinux-image-6.1.0-9-test\nown-later\n")
    assert ": + own-later\n" in sb(home, "genimage", "mine"), "from the layer that is there"
    assert (tree / "usr/share/own-later").stat().st_uid == user.pw_uid
    assert (tree / "usr/bin/passwd").stat().st_mode & 0o7777 == 0o4755
    assert sb(home, "genimage", "--dry-run", "mine").count(" cached ") == 8
    assert "digest:" in sb(home, "packimage", "mine")
    root = next(home.glob(".local/share/sbkernel/**/catalog/*/root.squashfs"))
    listed = subprocess.run(["unsquashfs", "-lln", root], check=True, capture_output=True, text=True).stdout
    owners = {
        line.split()[-1].removeprefix("squashfs-root"): line.split()[1] for line in listed.splitlines() if "/" in line
    }
    assert owners["/usr/bin/own-tool"] == "0/0"
    assert owners["/etc/built-by"] == "1/0"
