"""Whether packages can come into a tree, or leave it, so that it is as if it had been built that way. Pure.

A build runs the scripts of all packages in one order, a change those of a few packages later. The outcome is the same
where those scripts do nothing that lasts, nobody else's scripts look at these packages, and no path is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sbkernel.images.families.change_rules import Content, World, clashes, comes, leaves, seen_by_others

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

_STATIC = re.compile(r"0/0|\d+/\d+|root/(root|adm|tty|disk|lp|mail|uucp|man|src|shadow|utmp|staff|games)")
"""Owners that are there before any package is unpacked; numbers are those of a tree."""
_BASE = frozenset({"apt", "dpkg"})
_SECTION = re.compile(
    r"^# Automatically added by (\w+).*?^# End automatically added section$", re.MULTILINE | re.DOTALL
)
_SHELL = re.compile(r"#! */(?:usr/)?bin/(?:ba|da)?sh(?: -e)?")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


@dataclass(frozen=True)
class Part(Content):
    """A package that comes or leaves, with what is in its control archive."""

    control: Mapping[str, str] = field(default_factory=dict)
    base: bool = False

    def lines(self, name: str) -> list[str]:
        """Return the lines of a control file that say something."""
        lines = (line.partition("#")[0].strip() for line in self.control.get(name, "").splitlines())
        return [line for line in lines if line]


def objection(coming: Sequence[Part], leaving: Sequence[Part], world: World) -> str:
    """Say what stands against a change; an empty text if nothing does."""
    return next(_objections(coming, leaving, world), "")


def _objections(coming: Sequence[Part], leaving: Sequence[Part], world: World) -> Iterator[str]:
    updated = {one.name for one in coming} & {one.name for one in leaving}
    for part in (*coming, *leaving):
        yield from _own(part, updated)
        yield from seen_by_others(part, world, READ_BY_OTHERS)
        yield from _awaited(part, world)
    yield from clashes(coming)
    old = {one.name: one for one in leaving}
    for part in coming:
        yield from comes(part, old.get(part.name), world)
        yield from _lost(part, old.get(part.name))
    going = {path for part in leaving for path in part.entries}
    staying = {path for part in coming for path in part.entries}
    for part in leaving:
        yield from leaves(part, going, staying, world)


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


def _awaited(part: Part, world: World) -> Iterator[str]:
    for waited, by in world.interests:
        minds = (waited, by) not in HARMLESS_TRIGGERS and by != part.name
        if minds and any(path.is_relative_to(waited) for path in part.files):
            yield f"{by} does something when files come or go below {waited}, as those of {part.name}"


def _lost(part: Part, old: Part | None) -> Iterator[str]:
    lost = set(old.lines("conffiles")) - set(part.lines("conffiles")) if old else ()
    if lost:
        yield f"the new {part.name} leaves {min(lost)} of the old one"
