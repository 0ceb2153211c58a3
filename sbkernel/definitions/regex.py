"""Compile regular expressions that users wrote."""

from __future__ import annotations

import functools
import re
import warnings

from sbkernel.errors import DefinitionError


@functools.lru_cache(maxsize=100)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern; DefinitionError says what is wrong with it."""
    try:
        with warnings.catch_warnings():
            # A future meaning of '[[' is nothing to tell an administrator about.
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise DefinitionError(f"'{pattern}' is not a regular expression: {error}") from None


def bare(pattern: str) -> str:
    """Return a pattern without the slashes around it, each of which is optional."""
    return pattern.removeprefix("/").removesuffix("/")
