"""Packages that come and go: what debhelper makes of libraries, units and conffiles, in two versions, and others."""

import shutil
import time
from pathlib import Path

from debs import index, make_deb

ALWAYS = ("own-user-b", "own-user-a")
"""Packages whose scripts make users: in a clean build the order of all others must not change their numbers."""
FREE = ("own-plain", "own-plain=1.0", "own-library", "own-conf", "own-conf=1.0", "own-unit", "own-init", "own-needs",
        "own-one", "own-two", "own-late")  # fmt: skip


def section(tool: str, text: str) -> str:
    """Return a script as debhelper writes it, with one section."""
    added = f"# Automatically added by {tool}/13.11.4\n{text}\n# End automatically added section\n"
    return f"#!/bin/sh\nset -e\n{added}exit 0\n"


UNIT = {
    "lib/systemd/system/own-unit.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "DEBIAN/postinst": section(
        "dh_installsystemd",
        'if [ "$1" = configure ]; then\n deb-systemd-helper unmask own-unit.service >/dev/null || true\n'
        " deb-systemd-helper enable own-unit.service >/dev/null || true\nfi",
    ),
    "DEBIAN/postrm": section(
        "dh_installsystemd",
        'if [ "$1" = purge ] && [ -x /usr/bin/deb-systemd-helper ]; then\n'
        " deb-systemd-helper purge own-unit.service >/dev/null || true\nfi",
    ),
}


INIT = {
    "etc/init.d/own-init": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: own-init\n# Required-Start: $local_fs\n"
    "# Required-Stop: $local_fs\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n",
    "DEBIAN/conffiles": "/etc/init.d/own-init\n",
    "DEBIAN/postinst": section(
        "dh_installinit",
        'if [ "$1" = configure ]; then\n update-rc.d own-init defaults >/dev/null\n'
        " invoke-rc.d own-init start || exit 1\nfi",
    ),
    "DEBIAN/postrm": section(
        "dh_installinit", 'if [ "$1" = purge ]; then\n update-rc.d own-init remove >/dev/null\nfi'
    ),
}


def make_pool(place: Path) -> None:
    """Make all of them a repository."""

    def make(name: str, files: dict[str, str], made: int = 1_700_000_000, **fields: str) -> None:
        make_deb(place / "work", name, files, made=made, **fields)
        for file in (place / "work").glob("*.deb"):
            file.rename(place / file.name)
        shutil.rmtree(place / f"work/.{name}")

    (place / "work").mkdir()
    for name in ALWAYS:
        make(name, {"DEBIAN/postinst": f"#!/bin/sh\nset -e\nuseradd --system {name}\n"}, Depends="passwd")
    for version in ("1.0", "2.0"):
        only = {f"usr/share/own-plain/{version}/below/file": version, "usr/bin/own-plain": f"#!/bin/sh\n# {version}\n"}
        make("own-plain", {"usr/share/own-plain/both": version, **only}, Version=version)
        conf = {"etc/own-conf.d/both": version, "DEBIAN/conffiles": "/etc/own-conf.d/both\n"}
        make("own-conf", conf, Version=version)
    library = {"usr/lib/x86_64-linux-gnu/libown.so.1": "no library", "DEBIAN/triggers": "activate-noawait ldconfig\n"}
    make("own-library", library)
    make("own-unit", UNIT)
    make("own-init", INIT)
    make("own-needs", {"usr/share/own-needs/x": "x"}, Depends="own-plain, own-library")
    for name in ("own-one", "own-two"):
        make(name, {f"usr/share/own-both/{name}": name, f"usr/share/own-both/{name}.d/x": name})
    make("own-late", {"usr/share/own-late/x": "x"}, made=int(time.time()) - 3600)
    (place / "work").rmdir()
    index(place, "--multiversion")
