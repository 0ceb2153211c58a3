"""Two clean builds of one image are the same bytes: other places and times, by root and by an ordinary user."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from debs import copy_base, index, make_deb
from ordinaryuser import ROOT, USER, as_user, home
from rpmbase import make_base
from rpms import make_repository, make_rpm

from sbkernel.site import Site

__all__ = ["home"]

BUILD = Path(__file__).with_name("buildhere.py")
CLOCK = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
"""Lets a process and its children live in another year (faketime(1))."""
MODULES = {
    "usr/lib/modules/6.1.0-9/modules.dep": "kernel/a.ko:\n",
    "usr/lib/modules/6.1.0-9/modules.builtin": "kernel/fs/erofs/erofs.ko\n",
}
"""A kernel that can mount every format."""
SCRIPT = 'date > /var/log/own-tool.log; echo "$(umask) $LANG $TZ" > /etc/own-tool; date > /var/cache/ldconfig/aux-cache'
ACCOUNT = "groupadd --system own; useradd --system --gid own --no-create-home own"


def debian(place: Path) -> str:
    with Site.open(place / ".site") as site:
        make_deb(place, "own-kernel", {"boot/vmlinuz-6.1.0-9": "kernel", **MODULES})
        scripts = {"DEBIAN/postinst": f"#!/bin/sh -e\n{SCRIPT}\n{ACCOUNT}\n"}
        make_deb(place, "own-tool", {"usr/bin/own-tool": "#!/bin/sh\n", **scripts}, Depends="passwd")
        base = place / "base"
        base.mkdir()
        copy_base(site, base)
        for package in base.glob("*.deb"):
            package.rename(place / package.name)
    index(place)
    return "own-tool\nown-kernel\n"


def rpm(place: Path) -> str:
    make_base(place)
    make_rpm(place, "own-kernel", "1-1", "noarch", files={"usr/lib/modules/6.1.0-9/vmlinuz": "kernel", **MODULES})
    scripts = f"%post\nmkdir -p /var/cache/ldconfig\n{SCRIPT}\n"
    needs, tool = "Requires: small-base\n", {"usr/bin/own-tool": "x"}
    make_rpm(place, "own-tool", "1-1", "noarch", more=needs, files=tool, scripts=scripts)
    make_repository(place)
    return "own-tool\nown-kernel\n"


@pytest.mark.parametrize(("osvers", "make"), [("debian12", debian), ("rocky9.4", rpm), ("sles15.6", rpm)])
def test_who_builds_where_and_when_changes_no_byte(
    osvers: str, make: Callable[[Path], str], home: Path, tmp_path: Path
) -> None:
    place = home / "packages"
    place.mkdir()
    listed = home / "same.pkglist"
    listed.write_text(make(place))
    user = pwd.getpwnam(USER)
    for path in [listed, place, *place.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    words = [osvers, str(place), str(listed)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, BUILD, tmp_path / "site", *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    odd = {
        "ODD": str(CLOCK), "LANG": "de_AT.UTF-8", "LC_ALL": "C", "TZ": "Asia/Tokyo", "TMPDIR": str(home / "my files"),
    }  # fmt: skip
    (home / "my files").mkdir(mode=0o777)
    (home / "my files").chmod(0o777)
    there = as_user(home, str(BUILD), str(home / "my files/a site"), *words, env=odd, host="elsewhere")
    assert json.loads(there.splitlines()[-1]) == json.loads(done.stdout.splitlines()[-1])
