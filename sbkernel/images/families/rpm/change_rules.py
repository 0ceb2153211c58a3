"""Whether packages can come into a tree of rpm packages, or leave it, so that it is as if it had been built so. Pure.

rpm orders each installation anew, so packages that make users may come in another order when another is among them:
those whose scriptlets are not known to be harmless must come in the same order before and after the change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from sbkernel.images.families.change_rules import (
    Content,
    World,
    clashes,
    comes,
    leaves,
    seen_by_others,
    vocabulary,
)

_UNITS = r"[\w@][\w@.:-]*(?: +[\w@][\w@.:-]*)*"
_QUIET = r"(?: *&?> *(?:/dev/null|&1))?(?: *2> *(?:/dev/null|&1))?(?: *\|\| *(?::|true|/bin/true))?"
_HELPER = "/usr/lib/systemd/systemd-update-helper"
_SYSTEMCTL = r"(?:/usr)?(?:/bin/)?systemctl"
HARMLESS_PROGRAMS = {
    "/sbin/ldconfig": "reads all libraries anew",
    "/usr/sbin/ldconfig": "reads all libraries anew",
}
"""Programs that scriptlets without a text run, and why it does not matter when."""

HARMLESS_LINES = {
    r"set -e|:|true|/bin/true|exit 0": "does nothing",
    r"then|else|fi": "belongs to a frame",
    r'if \[ "?\$\{?1\}?"? (?:-eq|-ne|-ge|-gt|-le|-lt|==?|!=) "?[012]"? \]'
    rf'(?: *&& *\[ -x "?(?:{_HELPER}|/usr/bin/systemctl)"? \])? *; *then': "is the frame of what macros write",
    rf"(?:/usr)?(?:/sbin/)?ldconfig{_QUIET}": "reads all libraries anew",
    rf"{_SYSTEMCTL}(?: --no-reload)? preset {_UNITS}{_QUIET}": "switches its own units on, as presets say",
    rf"{_SYSTEMCTL}(?: --no-reload)?(?: --now)? disable(?: --now)? {_UNITS}{_QUIET}": "switches its own units off",
    rf"{_SYSTEMCTL} (?:stop|try-restart|condrestart|reload-or-try-restart|reload) {_UNITS}{_QUIET}": "nothing runs",
    rf"{_SYSTEMCTL} (?:--system )?daemon-reload{_QUIET}": "nothing runs",
    rf"{_HELPER} (?:install|remove)-(?:system|user)-units {_UNITS}{_QUIET}": "switches its own units on or off",
    rf"{_HELPER} mark-(?:install|restart)-(?:system|user)-units {_UNITS}{_QUIET}": "nothing runs",
    rf"(?:/usr/bin/|/sbin/)?udevadm control --reload(?:-rules)?{_QUIET}": "nothing runs",
}
"""Lines of scriptlets by a pattern, and why it does not matter when they run: what macros of distributions write."""
_LINES = tuple(map(re.compile, HARMLESS_LINES))
_SWITCH = re.compile(
    rf"(?:{_SYSTEMCTL}(?: --[a-z-]+)*|{_HELPER}) "
    r"(?:(preset|install-system-units|install-user-units)|disable|remove-system-units|remove-user-units)"
    r"(?: --now)? +([\w@][^&>|]*)"
)
"""A line that switches units: on, if there is a first group, and which."""
_GUARD = re.compile(r'if \[ "?\$\{?1\}?"? (?:-eq|==?) "?([01])"? \].*')
"""What asks whether a package is installed for the first time, or for the last."""

HARMLESS_TRIGGERS = {
    ("systemd", "/usr/lib/systemd/system"): "tells a manager that does not run",
    ("systemd", "/etc/systemd/system"): "tells a manager that does not run",
    ("systemd", "/usr/lib/systemd/user"): "tells a manager that does not run",
    ("systemd", "/etc/systemd/user"): "tells a manager that does not run",
    ("systemd", "/usr/lib/udev/rules.d"): "tells a daemon that does not run",
    ("systemd-udev", "/usr/lib/udev/rules.d"): "tells a daemon that does not run",
    ("man-db", "/usr/share/man"): "asks a manager that does not run to index the pages",
}
"""What packages do when files change below a path, by their name and the path, and why not to mind."""

READ_BY_OTHERS = (
    "/etc/alternatives", "/etc/crypto-policies", "/etc/dracut.conf.d", "/etc/kernel", "/etc/ld.so.conf.d", "/etc/pam.d",
    "/etc/pki", "/etc/rpm", "/etc/security", "/etc/selinux", "/etc/skel", "/etc/systemd/system-preset",
    "/etc/systemd/user-preset", "/etc/sysusers.d", "/etc/tmpfiles.d", "/etc/authselect", "/usr/lib/binfmt.d",
    "/usr/lib/dracut", "/usr/lib/kernel", "/usr/lib/locale", "/usr/lib/modules", "/usr/lib/rpm",
    "/usr/lib/systemd/catalog", "/usr/lib/systemd/system-preset", "/usr/lib/systemd/user-preset", "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d", "/usr/lib/udev/hwdb.d", "/usr/local", "/usr/share/authselect", "/usr/share/crypto-policies",
    "/usr/share/info", "/usr/share/pki", "/usr/share/selinux", "/var/lib/alternatives", "/var/lib/rpm-state",
)  # fmt: skip
"""Where programs that others' scriptlets run look for files of any package."""

_TOPS = ("/etc/systemd/system", "/etc/systemd/user")
"""Where links switch units on."""
_ROOT = "0/0"
"""The owner who is there before any package."""
_SECTIONS = {
    "pretrans": "%pretrans", "prein": "%pre", "postin": "%post", "preun": "%preun", "postun": "%postun",
    "posttrans": "%posttrans", "preuntrans": "%preuntrans", "postuntrans": "%postuntrans",
}  # fmt: skip
"""Scriptlets as spec files name them."""
_SHELLS = ("", "/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash")


class Script(NamedTuple):
    """A scriptlet: which one, its interpreter, its text."""

    kind: str
    program: str
    text: str


class Switch(NamedTuple):
    """Units that a scriptlet switches on or off, and whether it does so once: when a package comes anew, or goes."""

    on: bool
    units: tuple[str, ...]
    once: bool


class Trigger(NamedTuple):
    """A trigger of a package: whether it waits for packages or files, their names or prefixes, and what it runs."""

    waits: str
    names: tuple[str, ...]
    program: str
    text: str


@dataclass(frozen=True)
class Spoken:
    """A package and what it says that shall be run; `key` is name=version:architecture."""

    name: str
    key: str
    scripts: tuple[Script, ...] = ()
    triggers: tuple[Trigger, ...] = ()

    @property
    def unknown(self) -> str:
        """Say which of its scriptlets does what nothing is known of; empty if none does."""
        found = ((_SECTIONS[one.kind], unknown_line(one.program, one.text)) for one in self.scripts)
        return next(
            (f"{kind} of {self.name} does what nothing is known of: {line}" for kind, line in found if line), ""
        )

    @property
    def switches(self) -> list[Switch]:
        """Return what it switches on or off."""
        return [switch for one in self.scripts for switch in switches_of(one.text)]

    @property
    def text(self) -> str:
        """Return all that it says, interpreters included."""
        programs = [one.program for one in self.scripts] + [one.program for one in self.triggers]
        texts = [one.text for one in self.scripts] + [one.text for one in self.triggers]
        return "\n".join([*programs, *texts])


@dataclass(frozen=True)
class Part(Content):
    """A package that comes or leaves, and what it says.

    `names` are its paths as it has them, `changed` the files whose content somebody has changed, `ghosts` what it owns
    and somebody else has made, `units` the sums of its files for systemd by path.
    """

    says: Spoken
    names: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """What is around a change: the packages that stay, the order of all before and after, units that are on.

    `several` are names of packages of which there are more than one, `deciding` those that say which units are on,
    `emptied` directories that nobody owns and in which nothing is left. `links` says of each directory of units that
    are on where its links lead; packages own those in `owned`.
    """

    world: World
    staying: Sequence[Spoken] = ()
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    several: Collection[str] = ()
    deciding: Collection[str] = ()
    emptied: Collection[str] = ()
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)
    owned: Collection[str] = ()


def objection(coming: Sequence[Part], leaving: Sequence[Part], scene: Scene) -> str:
    """Say what stands against a change; an empty text if nothing does."""
    return next(_objections(coming, leaving, scene), "")


def _objections(coming: Sequence[Part], leaving: Sequence[Part], scene: Scene) -> Iterator[str]:
    old = {one.name: one for one in leaving}
    parts = (*coming, *leaving)
    for part in parts:
        yield from _own(part, scene.several)
        yield from seen_by_others(part, scene.world, READ_BY_OTHERS)
    yield from _triggers(parts, scene.staying)
    yield from _order(scene)
    yield from _emptied(scene)
    yield from clashes(coming)
    for part in coming:
        yield from comes(part, old.get(part.name), scene.world)
        yield from _units_on(part, old.get(part.name), scene)
    going = {path for part in leaving for path in part.entries}
    staying = {path for part in coming for path in part.entries}
    for part in leaving:
        yield from leaves(part, going, staying, scene.world)
        if part.name not in {one.name for one in coming}:
            yield from _units_off(part, scene)


def _own(part: Part, several: Collection[str]) -> Iterator[str]:
    """Yield what a package itself brings that a change cannot do, or undo."""
    if part.says.unknown:
        yield part.says.unknown
    for trigger in part.says.triggers:
        if line := unknown_line(trigger.program, trigger.text):
            yield f"{part.name} has a trigger on {trigger.names[0]}: {line}"
    if part.name in several:
        yield f"there are several packages {part.name}"
    for path, entry in part.entries.items():
        if entry.owner != _ROOT:
            yield f"{path} of {part.name} belongs to {entry.owner}, whom scriptlets may have to make first"
    if part.changed:
        yield f"{part.changed[0]} of {part.name} is not as the package has brought it"
    if part.ghosts:
        yield f"{part.ghosts[0]} of {part.name} was made by somebody else"


def unknown_line(program: str, text: str) -> str:
    """Return the first line of a scriptlet that is not known to be harmless, or its interpreter if it is no shell."""
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if not lines:
        return "" if program in (*_SHELLS, *HARMLESS_PROGRAMS, "<lua>") else program
    if program not in _SHELLS:
        return f"{program} {lines[0]}"
    return next((line for line in lines if not any(one.fullmatch(line) for one in _LINES)), "")


def switches_of(text: str) -> Iterator[Switch]:
    """Yield what a scriptlet of known lines switches."""
    guard = ""
    for line in map(str.strip, text.splitlines()):
        if found := _GUARD.fullmatch(line):
            guard = found[1]
        elif line.startswith("if ") or line in ("else", "fi"):
            guard = ""
        elif found := _SWITCH.match(line):
            on, names = bool(found[1]), (one if "." in one else f"{one}.service" for one in found[2].split())
            yield Switch(on, tuple(re.sub(r"@[^.]*", "@", one) for one in names), guard == ("1" if on else "0"))


def _triggers(parts: Sequence[Part], staying: Sequence[Spoken]) -> Iterator[str]:
    """Yield which packages do something when these come or leave, or files of theirs."""
    names = {part.name: part for part in parts}
    for other in (*staying, *(part.says for part in parts)):
        for trigger in other.triggers:
            if not unknown_line(trigger.program, trigger.text):
                continue
            for waited in trigger.names:
                if trigger.waits == "packages" and waited in names:
                    yield f"{other.name} does something when {waited} comes or goes"
                elif trigger.waits == "files" and (other.name, waited.rstrip("/")) not in HARMLESS_TRIGGERS:
                    yield from _awaited(waited, other.name, parts)


def _awaited(prefix: str, by: str, parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if any(name.startswith(prefix) for name in part.names):
            yield f"{by} does something when files come or go below {prefix}, as those of {part.name}"


def _order(scene: Scene) -> Iterator[str]:
    """Yield which packages that may make users would come in another order than before."""
    unknown = {one.key: one.name for one in scene.staying if one.unknown}
    before, after = ([key for key in keys if key in unknown] for keys in (scene.before, scene.after))
    if before != after:
        was, now = next(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        yield f"{unknown[now]} would come before {unknown[was]}, and the scriptlets of both may do anything"


def _units(part: Part) -> Iterator[str]:
    """Yield units that a package switches, though they are not its own, or though it neither comes anew nor goes."""
    own = {path.name for path in part.entries}
    for switch in part.says.switches:
        if other := next((one for one in switch.units if one not in own), ""):
            yield f"{part.name} switches {other}, which it does not have"
        if not switch.once:
            yield f"{part.name} switches {switch.units[0]} also when it is updated"


def _units_on(part: Part, old: Part | None, scene: Scene) -> Iterator[str]:
    """Yield why units of a package would be on or off otherwise than after a build, in which presets may come later."""
    if not part.says.switches and not part.units:
        return
    yield from _units(part)
    if old is not None:
        if part.units != old.units or part.says.scripts != old.says.scripts:
            yield f"the units of {part.name} are others than those of the old one, which may be on"
        return
    place = {key: number for number, key in enumerate(scene.after)}
    for other in scene.staying:
        if other.key in scene.deciding and place.get(other.key, -1) > place[part.says.key]:
            yield f"{part.name} would come before {other.name}, which says what units are on"


def _units_off(part: Part, scene: Scene) -> Iterator[str]:
    """Yield what of the links to its units a package would leave, and what systemctl would take from others."""
    yield from _units(part)
    off = {unit for switch in part.says.switches if not switch.on for unit in switch.units}
    for directory, led in scene.links.items():
        mine = [path for path in map(PurePosixPath, led) if path in part.entries]
        if left := next((path for path in mine if path.name not in off), None):
            yield f"{part.name} does not switch {left} off"
        if directory in scene.owned and mine and len(mine) == len(led):
            yield f"{directory} would go with the last unit in it, which {part.name} has"
        top = next(one for one in _TOPS if directory.startswith(one))
        if mine and top not in scene.owned:
            yield f"nobody owns {top}, which {part.name} may have brought"


def _emptied(scene: Scene) -> Iterator[str]:
    """Yield directories that nobody owns and scriptlets name: they may be there without the packages that leave."""
    _, named = vocabulary(scene.world.scripts)
    for path in map(PurePosixPath, scene.emptied):
        if path in named:
            yield f"scriptlets of other packages name {path}, where nothing would be left"
