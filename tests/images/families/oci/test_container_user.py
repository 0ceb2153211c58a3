"""A container as the base, and sb shell, for an ordinary user."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from containers import bootable, make_container
from ordinaryuser import USER, as_user, home, sb
from rpmbase import make_base
from rpms import install, make_repository, make_rpm

__all__ = ["home"]

DEFINE = """
from sbkernel.site import Site
with Site.open() as site:
    site.set("osimage", "mine", imagetype="linux", osvers="rocky9.4", osarch="x86_64", profile="mine",
        provmethod="netboot", pkglist='{pkglist}', pkgdir='{pkgdir}')
"""
SHELL = """
import subprocess
from pathlib import Path
from sbkernel.images.shell.shell import keep, shell
from sbkernel.images.rootimgdir import default
from sbkernel.site import Site
with Site.open() as site:
    left = shell(site, "mine", ["sh", "-c", "id -u > /etc/who; rm /etc/own; ls -n /etc/other"])
    print(left.changes)
    keep(site, "mine", left.changes, "{place}")
    print(list(default(site, site.osimages["mine"].attributes).glob(".shell*")))
"""


def test_an_ordinary_user_builds_on_a_container_and_tries_a_change(home: Path) -> None:
    place = home / "work"
    (place / "base").mkdir(parents=True)
    make_base(place / "base")
    tree = install(place / "tree", *(place / "base").rglob("*.rpm"))
    bootable(tree)
    for name, owner in {"own": 0, "other": 42}.items():
        (tree / "etc" / name).write_text(name)
        os.chown(tree / "etc" / name, owner, owner)
    reference = make_container(tree, place / "container")
    make_rpm(place, "own-tool", "1.0-1", "noarch", files={"usr/share/own-tool": "x"}, more="Requires: small-base\n")
    make_repository(place)
    shutil.rmtree(tree)
    shutil.rmtree(place / "base")
    (place / "mine.pkglist").write_text("own-tool\n")
    user = pwd.getpwnam(USER)
    subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", place], check=True)
    as_user(home, "-c", DEFINE.format(pkglist=place / "mine.pkglist", pkgdir=f"{reference},{place}"))
    assert "built: download, packages, tree" in sb(home, "genimage", "mine")
    assert "nothing to do" in sb(home, "genimage", "mine")
    said = as_user(home, "-c", SHELL.format(place=place / "kept.sh"))
    assert "42       42" in said
    assert "+ /etc/who" in said
    assert "- /etc/own" in said
    assert said.endswith("[]\n")
    built = next(home.glob(".local/share/sbkernel/**/install/netboot/rocky9.4/x86_64/mine/rootimg"))
    assert (built / "etc/own").read_text() == "own"
    assert (built / "etc/other").stat().st_uid not in (0, 42, user.pw_uid)
