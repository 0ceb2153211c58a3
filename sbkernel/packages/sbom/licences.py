"""Licences as SPDX expressions: what packages say, and what SPDX calls it (spdx.org/licenses).

A name that SPDX does not have becomes LicenseRef-…, with the text that was found.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

REF = "LicenseRef-"

# Short names that mean exactly one licence of SPDX; BSD, LGPL and Python mean several, so they are not here.
_NAMES = {
    "expat": "MIT",
    "artistic": "Artistic-1.0-Perl",
    "asl-2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "boost": "BSL-1.0",
    "mplv1.1": "MPL-1.1",
    "mplv2.0": "MPL-2.0",
    "cc0": "CC0-1.0",
    "psf-2": "PSF-2.0",
    "unlicense": "Unlicense",
}
_GNU = re.compile(r"(a?gpl|lgpl|gfdl)-?v?(\d)(?:\.(\d))?(?:\.0)?(\+|-only|-or-later)?", re.IGNORECASE)
_TOKEN = re.compile(r"(\(|\)|\s+(?:and|or)\s+)", re.IGNORECASE)
_OPERATORS = frozenset({"AND", "OR", "(", ")"})


class Licence(NamedTuple):
    """An SPDX expression, and for each LicenseRef in it the name that was found."""

    expression: str = ""
    refs: tuple[tuple[str, str], ...] = ()


@cache
def spdx(text: str) -> Licence:
    """Return a licence, as a package gives it, as an SPDX expression; what cannot be parsed is one LicenseRef."""
    text = " ".join(text.split())
    if not text:
        return Licence()
    words = [word.strip() for word in _TOKEN.split(text) if word.strip()]
    words = [word.upper() if word.upper() in _OPERATORS else word for word in words]
    if not _is_expression(words):
        ref = _ref(text)
        return Licence(ref, ((ref, text),))
    ids = {word: _id(word) or _ref(word) for word in words if word not in _OPERATORS}
    refs = {spdx_id: word for word, spdx_id in ids.items() if spdx_id.startswith(REF)}
    joined = " ".join(ids.get(word, word) for word in words).replace("( ", "(").replace(" )", ")")
    return Licence(joined, tuple(sorted(refs.items())))


def _is_expression(words: list[str]) -> bool:
    """Tell whether operands and operators alternate and parentheses match."""
    depth, operand_next = 0, True
    for word in words:
        if word in ("AND", "OR", ")") and operand_next:
            return False
        if word not in ("AND", "OR", ")") and not operand_next:
            return False
        depth += (word == "(") - (word == ")")
        if depth < 0:
            return False
        operand_next = word in ("AND", "OR", "(")
    return depth == 0 and not operand_next


def _id(name: str) -> str:
    """Return the SPDX identifier of one name, with its exception, or "" if there is none."""
    base, with_, exception = re.sub(r"\s+with\s+", " WITH ", name, flags=re.IGNORECASE).partition(" WITH ")
    found = _known(base)
    if not with_ or not found:
        return found
    return f"{found} WITH {exception}" if exception in _exceptions() else ""


def _known(name: str) -> str:
    plain = re.sub(r"\s+", "-", name)
    if plain.startswith(REF) and re.fullmatch(r"[A-Za-z0-9.-]+", plain):
        return plain
    if match := _GNU.fullmatch(plain):
        family, major, minor, later = match.groups()
        suffix = "or-later" if later in ("+", "-or-later") else "only"
        return _official(f"{family.upper()}-{major}.{minor or 0}-{suffix}")
    return _NAMES.get(plain.lower()) or _official(plain)


def _official(name: str) -> str:
    from cyclonedx.spdx import fixup_id

    return fixup_id(name) or ""


@cache
def _exceptions() -> frozenset[str]:
    from license_expression import get_spdx_licensing

    return frozenset(name for name, known in get_spdx_licensing().known_symbols.items() if known.is_exception)


def _ref(name: str) -> str:
    return REF + (re.sub(r"[^A-Za-z0-9.]+", "-", name.replace("+", "-or-later")).strip("-") or "unnamed")
