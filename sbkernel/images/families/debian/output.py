"""Read what apt and dpkg say: the solution, unknown names, failures to reach a mirror, progress."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from sbkernel.images.families.resolved import Resolved

_URI = re.compile(r"'(\S+)' (\S+)_(\S+)_(\S+)\.deb (\d+)(?: SHA256:([0-9a-f]{64}))?\s*")
_UNKNOWN = re.compile(
    r"E: (?:Unable to locate package (\S+)|Package '(\S+)' has no installation candidate"
    r"|Version '\S+' for '(\S+)' was not found)"
)
_UNTRUSTED = re.compile(
    r"NO_PUBKEY|signature|is not signed|does not have a Release file|not valid yet|Hash Sum mismatch|expired"
    r"|Malformed|conflicting",
    re.IGNORECASE,
)
_OF_ANOTHER_TIME = re.compile(r"Release file for \S+ is (?:not valid yet|expired)")
_WORKED_ON = re.compile(r"(Unpacking|Setting up) (\S+) \(")


def solution(lines: Iterable[str]) -> tuple[Resolved, ...]:
    """Return the packages of `apt-get install --print-uris`, sorted."""
    matches = (_URI.fullmatch(line) for line in lines)
    return tuple(sorted(_resolved(match) for match in matches if match))


def _resolved(match: re.Match[str]) -> Resolved:
    uri = match[1]
    return Resolved(match[2], unquote(match[3]), match[4], int(match[5]), match[6] or "", uri, repository_of(uri))


def repository_of(uri: str) -> str:
    """Return host/path and component of a package's address, such as HOST/debian main; the path if it is flat."""
    uri = unquote(uri)
    place = uri.partition("://")[2] or uri.partition(":")[2]
    base, pool, below = place.partition("/pool/")
    return f"{base} {below.partition('/')[0]}" if pool else place.rpartition("/")[0]


def archive_name(package: Resolved) -> str:
    """Return the name of a package's file among apt's archives."""
    return f"{package.name}_{quote(package.version, safe='+~.-')}_{package.architecture}.deb".replace("%3A", "%3a")


def unknown_packages(text: str) -> list[str]:
    """Return the names that apt could not find, in apt's order."""
    return [next(name for name in groups if name) for groups in _UNKNOWN.findall(text)]


def providers(text: str) -> dict[str, list[str]]:
    """Return the packages that provide each name, as `apt-cache showpkg` says."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^Package: ", text, flags=re.MULTILINE)[1:]:
        lines = part.partition("Reverse Provides: \n")[2].splitlines()
        found[part.split("\n", 1)[0].strip()] = list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))
    return found


def is_untrusted(text: str) -> bool:
    """Tell whether a failed update is about trust or integrity, which old lists must not paper over."""
    return _UNTRUSTED.search(text) is not None


def is_of_another_time(text: str) -> bool:
    """Tell whether a list of a mirror is not valid yet, or not any more: by the clock of this host."""
    return _OF_ANOTHER_TIME.search(text) is not None


def complaints(text: str) -> str:
    """Return the errors and warnings of apt; that it downloads as root where its own user may not look is none."""
    lines = (line for line in text.splitlines() if line.startswith(("E:", "W:", "Err:")))
    return "\n".join(line for line in lines if "unsandboxed" not in line)


class PackageCounter:
    """Count packages in dpkg's output; one counts half when unpacked and half when configured."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._seen: set[tuple[str, str]] = set()

    def feed(self, line: str) -> str | None:
        """Take one line; return what dpkg does now if the line says so."""
        match = _WORKED_ON.match(line)
        if match is None:
            return None
        self._seen.add((match[1], match[2]))
        return f"{match[1].lower()} {match[2].split(':')[0]}"

    @property
    def done(self) -> int:
        """Return how many packages are done, never more than the total."""
        return min(self.total, len(self._seen) // 2)
