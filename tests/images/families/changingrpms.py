"""Packages that come and go: what macros make of libraries and units, and everything that a spec can mark."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from rpmbase import BASE
from rpms import DATE, make_repository, make_rpm

ALWAYS = ("own-user-b", "own-user-a", "own-manager")
"""Packages whose scriptlets make users, and what switches units on."""
FREE = ("own-plain", "own-plain=1.0-1", "own-library", "own-conf", "own-conf=1.0-1", "own-unit", "own-marked",
        "own-links", "own-one", "own-two", "own-late", "own-needs")  # fmt: skip
NEEDS = f"Requires: {BASE}\n"
HELPER = "/usr/lib/systemd/systemd-update-helper"
USER = """%pre
set -- $(grep -c . /etc/passwd)
echo "{name}:x:$((900 + $1)):0::/:/bin/false" >> /etc/passwd
echo "{name}:!:$(($SOURCE_DATE_EPOCH / 86400))::::::" >> /etc/shadow
"""
UNIT = f"""%post
if [ $1 -eq 1 ] && [ -x "{HELPER}" ]; then
    # Initial installation
    {HELPER} install-system-units own-unit.service || :
fi
%preun
if [ $1 -eq 0 ] && [ -x "{HELPER}" ]; then
    # Package removal, not upgrade
    {HELPER} remove-system-units own-unit.service || :
fi
"""
HELP = """#!/bin/sh
set -eu
command="$1"
shift
case "$command" in
    install-system-units) systemctl --no-reload preset "$@" ;;
    remove-system-units) systemctl --no-reload disable "$@" ;;
esac
"""


def make_pool(place: Path) -> None:
    """Make all of them a repository."""
    for name in ALWAYS[:2]:
        make_rpm(place, name, "1-1", "noarch", more=f"{NEEDS}Requires(pre): {BASE}\n", scripts=USER.format(name=name))
    _manager(place)
    for version in ("1.0", "2.0"):
        texts = {"both": version, f"{version}/below/file": version}
        files = {f"usr/share/own-plain/{name}": text for name, text in texts.items()}
        program = {"usr/bin/own-plain": f"#!/bin/sh\n# {version}\n"}
        make_rpm(place, "own-plain", f"{version}-1", "noarch", more=NEEDS, files={**files, **program})
        conf = {"etc/own-conf.d/both": version, "etc/own-conf.d/same": "same", f"etc/own-conf.d/{version}": version}
        marks = {"etc/own-conf.d/both": "%config(noreplace)", "etc/own-conf.d/same": "%config"}
        scripts = "%posttrans\n:\n%postun\nexit 0\n"
        make_rpm(place, "own-conf", f"{version}-1", more=NEEDS, files=conf, marks=marks, scripts=scripts)
    library = {"usr/lib64/libown.so.1": "no library"}
    make_rpm(
        place, "own-library", more=NEEDS, files=library, scripts="%post -p /sbin/ldconfig\n%postun -p /sbin/ldconfig\n"
    )
    unit = {"usr/lib/systemd/system/own-unit.service":
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}  # fmt: skip
    make_rpm(place, "own-unit", "1-1", "noarch", more=f"{NEEDS}Requires: own-manager\n", files=unit, scripts=UNIT)
    marks = {"usr/bin/own-marked": "%caps(cap_net_raw=ep)", "usr/share/own-marked": "%attr(0700,root,root)",
             "usr/share/own-marked/secret": "%attr(4751,root,root)", "var/lib/own-marked": "%ghost"}  # fmt: skip
    marked = {name: name for name in marks if not name.endswith("share/own-marked")}
    make_rpm(place, "own-marked", "1-1", "noarch", more=NEEDS, files=marked, marks=marks)
    _links(place)
    make_rpm(place, "own-needs", "1-1", "noarch", more=f"{NEEDS}Requires: own-plain\nRequires: own-library\n")
    for name in ("own-one", "own-two"):
        files = {f"usr/share/own-both/{name}": name, f"usr/share/own-both/{name}.d/x": name}
        make_rpm(place, name, "1:1-1", "noarch", more=NEEDS, files=files)
    make_rpm(place, "own-late", "1-1", "noarch", more=NEEDS, made=int(time.time()) - 3600)
    make_repository(place)


def _manager(place: Path) -> None:
    """Make a package of what macros call: this host's systemctl and ldconfig, their libraries; and of presets."""
    program = Path(shutil.which("systemctl") or "")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    root = place / ".manager"
    for file in (program, Path("/sbin/ldconfig"), *(Path(word) for word in listed.split() if word.startswith("/"))):
        target = root / "usr" / str(file).removeprefix("/usr").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (root / "lib64").symlink_to("usr/lib64")
    (root / "etc/systemd/system").mkdir(parents=True)
    for name, text in {HELPER: HELP, "/usr/lib/systemd/system-preset/10.preset": "enable own-unit.service\n"}.items():
        (root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / name[1:]).write_text(text)
        (root / name[1:]).chmod(0o755)
    scripts = "%transfiletriggerin -P 2000000 -- /lib /usr/lib /lib64 /usr/lib64\n/sbin/ldconfig\n"
    make_rpm(place, "own-manager", more=f"{NEEDS}Provides: /sbin/ldconfig\n", root=root, scripts=scripts)


def _links(place: Path) -> None:
    """Make a package in which several paths are one file."""
    root = place / ".links"
    for name in ("usr/share/own-links/one", "usr/share/own-links/other/one"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    first = root / "usr/share/own-links/one"
    first.write_text("one")
    os.utime(first, (DATE, DATE))
    for name in ("two", "other/one"):
        (first.parent / name).hardlink_to(first)
    make_rpm(place, "own-links", "1-1", "noarch", more=NEEDS, root=root)
