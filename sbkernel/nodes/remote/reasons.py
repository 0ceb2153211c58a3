"""Why a node could not install packages, from what its package manager said in English. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_NOWHERE = "no source of this node has it"
_UNKNOWN = re.compile(
    r"E: (?:Unable to locate package (?P<apt>\S+)|Package '(?P<candidate>[^']+)' has no installation candidate)"
    r"|(?:Error: )?No match for argument: (?P<dnf>.+)|No package (?P<yum>\S+) available\.?"
    r"|No provider of '(?P<zypper>[^']+)' found\.|Package '(?P<named>[^']+)' not found\."
)
_VERSION = re.compile(r"E: Version '(?P<version>[^']+)' for '(?P<name>[^']+)' was not found")
_NEEDS = re.compile(r" (?P<name>[^\s:]+(?::\w+)?) : (?P<what>(?:PreDepends|Depends|Conflicts|Breaks): .*)")
_DPKG = re.compile(r"dpkg: error processing (?:package (?P<name>\S+)|archive (?P<archive>\S+)) \(--\w+\):")
_SCRIPT = re.compile(r"[Ee]rror: (?P<what>%\w+\((?P<name>[^)]+)\) scriptlet failed.*)")
_PROBLEM = re.compile(r"(?:  - |(?:Problem: (?:\d+: )?)(?=nothing provides|the ))(?P<what>.*)")
_UNREACHED = re.compile(r"[WE]: Failed to fetch (?P<what>.*)|Repository '(?P<name>.*)' is invalid\.")
_ERROR = re.compile(r"(?:E|Error|error|ERROR|File|Failed)\b.*: ?\S")
_MOST = 5


def reasons(lines: Sequence[str]) -> list[str]:
    """Return what was wrong with which package, each once; without such lines, the first that tell of an error."""
    found = list(dict.fromkeys(_told(lines))) or [line for line in lines if _ERROR.match(line)]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return found[:_MOST] + more


def of_sources(found: Iterable[str]) -> bool:
    """Tell whether a reason is that no source has a package."""
    return any(_NOWHERE in one for one in found)


def _told(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if match := _UNREACHED.fullmatch(line):
            yield f"cannot be fetched: {match['what'] or match['name']}"
        elif match := _UNKNOWN.fullmatch(line):
            yield f"{next(name for name in match.groups() if name)}: {_NOWHERE}"
        elif match := _VERSION.fullmatch(line):
            yield f"{match['name']}={match['version']}: {_NOWHERE}"
        elif match := _NEEDS.fullmatch(line):
            yield f"{match['name']}: {' '.join(match['what'].split())}"
        elif match := _DPKG.fullmatch(line):
            name = match["name"] or match["archive"].rpartition("/")[2]
            yield f"{name}: {lines[number + 1].strip() if number + 1 < len(lines) else 'dpkg failed'}"
        elif match := _SCRIPT.fullmatch(line):
            yield f"{match['name']}: {match['what']}"
        elif match := _PROBLEM.fullmatch(line.removeprefix(" ") if line.startswith(" Problem") else line):
            yield match["what"]
