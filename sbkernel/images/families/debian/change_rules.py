"""Whether packages can come into a tree, or leave it, so that it is as if it had been built that way. Pure.

A build runs the scripts of all packages in one order, a change those of a few packages later. The outcome is the same
where those scripts do nothing that lasts, nobody else's scripts look at these packages, and no path is shared.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

HARMLESS_SECTIONS = {
    "dh_installdeb": "moves conffiles of versions that were never there",
    "dh_makeshlibs": "runs ldconfig, which reads all libraries anew",
    "dh_installmenu": "tells a menu that no image has",
    "dh_icons": "tells a cache of icons that no image has",
    "dh_installinit": "links its own init script, and unlinks it; nothing is started",
    "dh_installsystemd": "links its own units, and unlinks them; nothing is started",
}
"""What debhelper writes into scripts of packages, by the tool that does, and why it does not matter when it runs."""

HARMLESS_LINES = tuple(
    map(
        re.compile,
        (
            r"set -e",
            r"exit 0",
            r":",
            r'case "?\$\{?1\}?"? in',
            r"\(?[a-z|-]+\)",
            r"\*\)",
            r";;",
            r"esac",
            r"""echo "?[\w :.-]*(unknown|not supported)[\w ]*[\\`'"]*\$\{?1\}?[\\`'"]* *>&2""",
            r"exit [01]",
        ),
    )
)
"""Lines of scripts that do nothing: the frame into which debhelper puts its sections."""

HARMLESS_TRIGGERS = {
    ("ldconfig", "libc-bin"): "reads all libraries anew",
    ("/etc/dbus-1/system.d", "dbus"): "tells a bus that does not run",
    ("/usr/share/dbus-1/system.d", "dbus"): "tells a bus that does not run",
    ("/usr/share/dbus-1/system-services", "dbus"): "tells a bus that does not run",
    ("/etc/rsyslog.d", "rsyslog"): "tells a daemon that does not run",
}
"""What packages of the tree do when files change below a path, or a package calls a name, and why not to mind."""

READ_BY_OTHERS = (
    "/etc/apt", "/etc/dpkg", "/etc/initramfs-tools", "/etc/kernel", "/etc/ld.so.conf.d", "/etc/pam.d",
    "/etc/security", "/etc/skel", "/usr/lib/binfmt.d", "/usr/lib/locale", "/usr/lib/modules", "/usr/lib/python3",
    "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d", "/usr/lib/udev/hwdb.d", "/usr/lib/systemd/system-preset",
    "/usr/share/ca-certificates", "/usr/share/debconf", "/usr/share/initramfs-tools", "/usr/share/pam-configs",
    "/usr/share/python3", "/usr/local",
)  # fmt: skip
"""Where programs that others' scripts run look for files of any package."""

COMMON = frozenset(map(PurePosixPath, (
    "/", "/boot", "/etc", "/etc/default", "/etc/init.d", "/opt", "/usr", "/usr/bin", "/usr/games", "/usr/lib",
    "/usr/libexec", "/usr/sbin", "/usr/share", "/usr/share/doc", "/usr/share/man", "/usr/share/man/man1",
    "/usr/share/man/man5", "/usr/share/man/man7", "/usr/share/man/man8", "/usr/lib/systemd", "/usr/lib/systemd/system",
    "/var", "/var/cache", "/var/lib", "/var/log",
)))  # fmt: skip
"""Directories that scripts name without looking at what else is there; so they do those of libraries."""
_LIBRARIES = re.compile(r"/usr/lib(32|64|/[a-z0-9_]+-linux-gnu[a-z0-9]*)")

_STATIC = re.compile(r"0/0|\d+/\d+|root/(root|adm|tty|disk|lp|mail|uucp|man|src|shadow|utmp|staff|games)")
"""Owners that are there before any package is unpacked; numbers are those of a tree."""
_BASE = frozenset({"apt", "dpkg"})
_SECTION = re.compile(
    r"^# Automatically added by (\w+).*?^# End automatically added section$", re.MULTILINE | re.DOTALL
)
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_PATH = re.compile(r"/[A-Za-z0-9_.+@-]+(?:/[A-Za-z0-9_.+@-]+)*")
_SHELL = re.compile(r"#! */(?:usr/)?bin/(?:ba|da)?sh(?: -e)?")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


class Entry(NamedTuple):
    """A path of a package, or in a tree: what ls(1) says of kind and mode, and its owner as uid/gid or by name."""

    mode: str
    owner: str

    @property
    def is_dir(self) -> bool:
        """Tell whether it is a directory."""
        return self.mode.startswith("d")


@dataclass(frozen=True)
class Part:
    """A package that comes or leaves: what is in its control archive, and its paths, those in merged directories so."""

    name: str
    entries: Mapping[PurePosixPath, Entry]
    control: Mapping[str, str] = field(default_factory=dict)
    base: bool = False

    @property
    def files(self) -> list[PurePosixPath]:
        """Return its paths that are no directories."""
        return [path for path, entry in self.entries.items() if not entry.is_dir]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a control file that say something."""
        lines = (line.partition("#")[0].strip() for line in self.control.get(name, "").splitlines())
        return [line for line in lines if line]


@dataclass(frozen=True)
class World:
    """The tree: who owns each path, what is at the paths that matter, who waits for what, whose scripts say what.

    `below` are the entries of directories; `scripts` are those of the packages that stay.
    """

    owners: Mapping[PurePosixPath, frozenset[str]]
    there: Mapping[PurePosixPath, Entry]
    below: Mapping[PurePosixPath, frozenset[PurePosixPath]]
    interests: Sequence[tuple[str, str]]
    special: frozenset[PurePosixPath]
    scripts: str


def objection(coming: Sequence[Part], leaving: Sequence[Part], world: World) -> str:
    """Say what stands against a change; an empty text if nothing does."""
    return next(_objections(coming, leaving, world), "")


def _objections(coming: Sequence[Part], leaving: Sequence[Part], world: World) -> Iterator[str]:
    updated = {one.name for one in coming} & {one.name for one in leaving}
    for part in (*coming, *leaving):
        yield from _own(part, updated)
        yield from _seen_by_others(part, world)
    yield from _clashes(coming)
    old = {one.name: one for one in leaving}
    for part in coming:
        yield from _coming(part, old.get(part.name), world)
    going = {path for part in leaving for path in part.entries}
    staying = {path for part in coming for path in part.entries}
    for part in leaving:
        yield from _leaving(part, going, staying, world)


def _own(part: Part, updated: set[str]) -> Iterator[str]:
    """Yield what a package itself brings that a change cannot do, or undo."""
    if part.base or part.name in _BASE:
        yield f"{part.name} belongs to the base system"
    for name in SCRIPTS:
        if line := unknown_line(part.control.get(name, "")):
            yield f"{name} of {part.name} does what nothing is known of: {line}"
    if part.name in updated and any("dpkg-maintscript-helper" in part.control.get(name, "") for name in SCRIPTS):
        yield f"{part.name} moves files of older versions"
    for path, entry in part.entries.items():
        if not _STATIC.fullmatch(entry.owner):
            yield f"{path} of {part.name} belongs to {entry.owner}, whom scripts may have to make first"
    if "templates" in part.control or "config" in part.control:
        yield f"{part.name} asks questions (debconf)"
    for line in part.lines("triggers"):
        kind, _, name = line.partition(" ")
        if not kind.startswith("activate") or not any(name.strip() == known for known, _ in HARMLESS_TRIGGERS):
            yield f"{part.name} has the trigger {line}"


def unknown_line(script: str) -> str:
    """Return the first line of a script that is not known to be harmless."""
    if not script:
        return ""
    first, _, rest = script.partition("\n")
    if not _SHELL.fullmatch(first.strip()):
        return first
    for match in _SECTION.finditer(rest):
        if match[1] not in HARMLESS_SECTIONS:
            return f"# Automatically added by {match[1]}"
    for line in map(str.strip, _SECTION.sub("", rest).splitlines()):
        if line and not line.startswith("#") and not any(one.fullmatch(line) for one in HARMLESS_LINES):
            return line
    return ""


def _seen_by_others(part: Part, world: World) -> Iterator[str]:
    """Yield why scripts of other packages, or what they run, may do something else when this one is there."""
    words, paths = _vocabulary(world.scripts)
    for path in part.files:
        if path.parent.name in ("bin", "sbin") and path.name in words:
            yield f"scripts of other packages may run {path} of {part.name}"
        if path in paths or (path.parent in paths and not _common(path.parent)):
            yield f"scripts of other packages may look at {path} of {part.name}"
        if place := next((one for one in READ_BY_OTHERS if path.is_relative_to(one)), None):
            yield f"{part.name} has {path}, and other packages look at {place}"
    for waited, by in world.interests:
        minds = (waited, by) not in HARMLESS_TRIGGERS and by != part.name
        if minds and any(path.is_relative_to(waited) for path in part.files):
            yield f"{by} does something when files come or go below {waited}, as those of {part.name}"


def _common(directory: PurePosixPath) -> bool:
    return directory in COMMON or _LIBRARIES.fullmatch(str(directory)) is not None


@functools.lru_cache(maxsize=1)
def _vocabulary(scripts: str) -> tuple[frozenset[str], frozenset[PurePosixPath]]:
    """Return the words and the absolute paths in scripts, comments left out."""
    code = "\n".join(line for line in scripts.splitlines() if not line.lstrip().startswith("#"))
    paths = _PATH.findall(code)
    merged = [f"/usr{path}" for path in paths if path.startswith(("/bin/", "/sbin/", "/lib"))]
    return frozenset(_WORD.findall(code)), frozenset(map(PurePosixPath, (*paths, *merged)))


def _clashes(parts: Sequence[Part]) -> Iterator[str]:
    """Yield what two packages bring that come together, each differently."""
    seen: dict[PurePosixPath, tuple[str, Entry]] = {}
    for part in parts:
        for path, entry in part.entries.items():
            other, was = seen.setdefault(path, (part.name, entry))
            if other != part.name and not (entry.is_dir and entry == was):
                yield f"{path} is in both {other} and {part.name}"


def _coming(part: Part, old: Part | None, world: World) -> Iterator[str]:
    before = old.entries if old else {}
    for path, entry in part.entries.items():
        there = world.there.get(path)
        if path in world.special:
            yield f"{path} of {part.name} is diverted, or has another owner here"
        elif there is not None and entry.is_dir and there != entry:
            yield f"{path} is there with another owner or mode than {part.name} gives it"
        elif there is not None and not entry.is_dir and not _mine(path, part, before, world):
            yield f"{path} of {part.name} is there without it"
    lost = set(old.lines("conffiles")) - set(part.lines("conffiles")) if old else ()
    if lost:
        yield f"the new {part.name} leaves {min(lost)} of the old one"


def _mine(path: PurePosixPath, part: Part, before: Mapping[PurePosixPath, Entry], world: World) -> bool:
    """Tell whether a file in the tree is there because the old version of the same package has brought it."""
    return path in before and not before[path].is_dir and world.owners.get(path, frozenset()) <= {part.name}


def _leaving(part: Part, going: set[PurePosixPath], staying: set[PurePosixPath], world: World) -> Iterator[str]:
    for path, entry in part.entries.items():
        others = world.owners.get(path, frozenset()) - {part.name}
        if path in world.special:
            yield f"{path} of {part.name} is diverted, or has another owner here"
        elif not entry.is_dir and others:
            yield f"{path} of {part.name} belongs to {min(others)}, too"
        elif entry.is_dir and others and entry not in _PLAIN:
            yield f"{path} is in more packages than {part.name}, and may have got its mode from each"
        elif entry.is_dir and path not in staying and not others:
            yield from (f"{part.name} would leave {one}" for one in sorted(world.below.get(path, frozenset()) - going))


_PLAIN = (Entry("drwxr-xr-x", "0/0"), Entry("drwxrwxrwt", "0/0"))
