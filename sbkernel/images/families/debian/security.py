"""What security archives have, as apt tells it, and how apt keeps everything else as it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_INDEX = re.compile(r" +-?\d+ (?P<index>\S.*)")
_RELEASE = re.compile(r" +release (?P<facts>.*)")
_SUITE = re.compile(r".*-security(/.*)?|.*/updates")


class Offer(NamedTuple):
    """A version that an index has, as apt-cache(8) names that: address, suite and component, architecture."""

    version: str
    source: str


def security_indexes(policy: str) -> set[str]:
    """Return the indexes of security archives, from the output of `apt-cache policy`.

    Such an archive says so by its suite or codename (bookworm-security), its label or its origin (Debian-Security).
    """
    found: set[str] = set()
    index = ""
    for line in policy.splitlines():
        if match := _INDEX.fullmatch(line):
            index = match["index"]
            suite = index.partition(" ")[2].partition(" ")[0].rpartition("/")[0]
            if _SUITE.fullmatch(suite):
                found.add(index)
        elif (match := _RELEASE.fullmatch(line)) and _is_security(match["facts"]):
            found.add(index)
    return found


def _is_security(facts: str) -> bool:
    """Tell it from the facts of a Release file, such as o=Debian,a=stable-security,l=Debian-Security."""
    known = {key: value for key, _, value in (fact.partition("=") for fact in facts.split(","))}
    told = [known.get("l", ""), known.get("o", "")]
    return any(_SUITE.fullmatch(known.get(key, "")) for key in "an") or any("security" in one.lower() for one in told)


def offers(madison: str) -> dict[str, list[Offer]]:
    """Return what indexes have of each package, from the output of `apt-cache madison`."""
    found: dict[str, list[Offer]] = {}
    for line in madison.splitlines():
        name, _, rest = line.partition(" | ")
        version, _, index = rest.partition(" | ")
        if index.endswith(" Packages"):
            found.setdefault(name.strip(), []).append(Offer(version.strip(), index.strip()))
    return found


def pins(versions: Mapping[str, str]) -> str:
    """Return preferences by which packages have exactly these versions (apt_preferences(5))."""
    lines = (f"Package: {name}\nPin: version {version}\nPin-Priority: 1001\n" for name, version in versions.items())
    return "\n".join(lines)
