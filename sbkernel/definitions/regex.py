"""Compile regular expressions that users wrote, in Perl's syntax, as in xCAT, or in Python's."""

from __future__ import annotations

import functools
import re
import warnings

from sbkernel.errors import DefinitionError

# What Perl writes differently (perlre): \z, [[:digit:]], (?<name>...). The rest means the same in both.
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
    """Return a compiled pattern. Raises DefinitionError that says what is wrong with it."""
    try:
        with warnings.catch_warnings():
            # Python warns that '[[' may get another meaning; an administrator need not know.
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
    """Return a pattern without the slash before it and the slash after it, if they are there."""
    return pattern.removeprefix("/").removesuffix("/")
