"""The order of versions, as the package manager of their family sees it; a missing epoch is 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.packages.readers import reader_of


def compare(family: str, a: str, b: str) -> int:
    """Return -1, 0 or 1 as version `a` is older than, equal to or newer than `b`.

    DefinitionError for what is no version of the family.
    """
    return 0 if a == b else _compare(family, a, b)


def newer(family: str, new: str, old: str) -> int | None:
    """Return 1 or -1 as `new` is newer or older than `old`, None when the two cannot be ordered or count as equal."""
    try:
        return compare(family, new, old) or (None if new != old else 0)
    except DefinitionError:
        return None


def sort_key(family: str) -> Callable[[str], Any]:
    """Return a key function that sorts versions of a family, the oldest first."""
    return partial(_ordered, family)


@lru_cache(maxsize=65536)
def _compare(family: str, a: str, b: str) -> int:
    left, right = _ordered(family, a), _ordered(family, b)
    # One comparison where that is enough: they are the larger part of the time of a diff.
    return 1 if left > right else -int(left < right)


@lru_cache(maxsize=65536)
def _ordered(family: str, version: str) -> Any:
    order = reader_of(family).order
    try:
        return order(version)
    except ValueError:
        raise DefinitionError(f"{version!r} is no version of a {family} package") from None
