"""The order of versions, as dpkg and rpm see it: python-debian's and rpm-version's, checked against the real tools."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.packages.package import DEB, RPM

_EVR = re.compile(r"(\d+:)?[^:\s]+")


def compare(family: str, a: str, b: str) -> int:
    """Return -1, 0 or 1 as version `a` is older than, equal to or newer than `b`.

    A missing epoch is 0 (deb-version(7), rpm-version(7)). DefinitionError for what is no version of the family.
    """
    return 0 if a == b else _compare(family, a, b)


def sort_key(family: str) -> Callable[[str], Any]:
    """Return a key function that sorts versions of a family, the oldest first."""
    return partial(_ordered, family)


def epoch(version: str) -> int:
    """Return the epoch of a version, 0 if it has none."""
    head, colon, _ = version.partition(":")
    return int(head) if colon and head.isdigit() else 0


@lru_cache(maxsize=65536)
def _compare(family: str, a: str, b: str) -> int:
    left, right = _ordered(family, a), _ordered(family, b)
    # One comparison where it does: those of python-debian are the larger part of a diff.
    return 1 if left > right else -int(left < right)


@lru_cache(maxsize=65536)
def _ordered(family: str, version: str) -> Any:
    parser = _parser(family)
    try:
        return parser(version)
    except ValueError:
        raise DefinitionError(f"{version!r} is no version of a {family} package") from None


@cache
def _parser(family: str) -> Callable[[str], Any]:
    if family == DEB:
        # Not python-debian's Version: that is python-apt's where it is installed, and one order is enough to prove.
        from debian.debian_support import NativeVersion

        return NativeVersion
    if family == RPM:
        from rpm_version import Evr

        return partial(_evr, Evr.parse)
    raise DefinitionError(f"no package family {family!r}", hint=f"{DEB} or {RPM}")


def _evr(parse: Callable[[str], Any], version: str) -> Any:
    if not _EVR.fullmatch(version):
        raise ValueError(version)
    return parse(version)
