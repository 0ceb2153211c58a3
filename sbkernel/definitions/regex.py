"""Compile regular expressions that users wrote, in perl's spelling as in xCAT or in Python's."""

from __future__ import annotations

import functools
import re
import warnings

from sbkernel.errors import DefinitionError

# What perl spells otherwise (perlre): \z, [[:digit:]], (?<name>...). All else that both know means the same.
_PERL = re.compile(r"\\.|\[:(\w+):\]|\(\?<(?![=!])", re.DOTALL)
_CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}


@functools.lru_cache(maxsize=1000)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern; DefinitionError says what is wrong with it."""
    try:
        with warnings.catch_warnings():
            # A future meaning of '[[' is nothing to tell an administrator about.
            warnings.simplefilter("ignore")
            return re.compile(_PERL.sub(_python, pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise DefinitionError(f"'{pattern}' is not a regular expression: {error}") from None


def _python(perl: re.Match[str]) -> str:
    if perl[0] == r"\z":
        return r"\Z"
    if perl[0] == "(?<":
        return "(?P<"
    return _CLASSES.get(perl[1], perl[0]) if perl[1] else perl[0]


def bare(pattern: str) -> str:
    """Return a pattern without the slashes around it, each of which is optional."""
    return pattern.removeprefix("/").removesuffix("/")
