"""Where packages came from: apt's package lists, when a tree still has them (apt-secure(8), deb-src-control(5))."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from sbkernel.packages.readers.reader import Origin

PLACE = "var/lib/apt/lists"
PATTERN = "*_Packages*"
_FIELD = re.compile(r"^(Package|Version|Architecture|SHA256): *(.*)$", re.MULTILINE)


def origins(lists: Iterable[tuple[str, str]], wanted: Container[str]) -> dict[str, Origin]:
    """Return the origins of packages, each name=version:arch, from the names and texts of lists.

    A package that is in several lists comes from the first.
    """
    found: dict[str, Origin] = {}
    for file, text in lists:
        place = repository(file)
        for package, sha256 in _entries(text):
            if package in wanted:
                found.setdefault(package, Origin(place, sha256))
    return found


def repository(file: str) -> str:
    """Return host/path suite/component of a list's file name, such as deb.example.org/debian bookworm/main."""
    base, dists, rest = file.partition("_Packages")[0].partition("_dists_")
    if not dists:
        return _path(base)
    return f"{_path(base)} {re.sub(r'/binary-[^/]+$', '', _path(rest))}"


def _path(text: str) -> str:
    return text.strip("_").replace("_", "/").replace("%5f", "_")


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for paragraph in text.split("\n\n"):
        fields = dict(_FIELD.findall(paragraph))
        if fields.keys() >= {"Package", "Version", "Architecture"}:
            yield "{Package}={Version}:{Architecture}".format(**fields), fields.get("SHA256", "")
